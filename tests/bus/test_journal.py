import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json
from tests.bus.cast import NOON_MS, SECRET, debian, power

from meterhouse.bus import envelope
from meterhouse.bus.journal import Journal
from meterhouse.bus.segment import HEADER_BYTES, SMALLEST_BYTES, Entry
from meterhouse.bus.signing import sign
from meterhouse.bus.state import Mark, joined, length, load, missing, without
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import EPOCH
from meterhouse.metering.samples import Columns


@contextmanager
def opened(folder: Path, limit_bytes: int = 2**22) -> Iterator[Journal]:
    with Journal(folder, "osl-dc1", SystemClock(), limit_bytes) as journal:
        yield journal


def read(entry: Entry) -> Batch:
    return envelope.unseal(sign(entry.unsigned, SECRET), SECRET)


def numbers(journal: Journal, after: int = 0) -> list[int]:
    return [entry.sequence for entry in journal.since(after)]


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def test_a_batch_is_there_after_reopening(tmp_path: Path, clock: FixedClock) -> None:
    with Journal(tmp_path, "osl-dc1", clock) as journal:
        journal.append(power(212.4), debian())
        epoch = journal.epoch
    with opened(tmp_path) as journal:
        (batch,) = map(read, journal.since(0))
    assert batch.samples.value.tolist() == [212.4]
    assert batch.snapshots == debian()
    assert (batch.publisher, batch.epoch, batch.sequence) == ("osl-dc1", epoch, 1)
    assert batch.sent_ms == epoch == clock.now_ms() == NOON_MS


def test_numbers_go_on_after_reopening(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        with opened(tmp_path) as journal:
            assert journal.append(power(1.0)).sequence == expected
            assert journal.last == expected


def test_since_gives_what_comes_after_over_all_segments(tmp_path: Path) -> None:
    with opened(tmp_path, limit_bytes=2**14) as journal:
        for watts in range(40):
            journal.append(power(watts))
        assert len(segments(tmp_path)) > 2
        for after in (0, 1, 17, 39, 40, 1000):
            assert numbers(journal, after) == list(range(after + 1, 41))
    with opened(tmp_path, limit_bytes=2**14) as journal:
        assert numbers(journal) == list(range(1, 41))


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(Mistake, match=f"in use by process {os.getpid()}"):
        Journal(tmp_path, "osl-dc1", SystemClock())
    with opened(tmp_path) as journal:
        assert journal.append(power(1.0)).sequence == 1


def test_a_journal_is_closed_once(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.close()
        with pytest.raises(OSError, match=str(tmp_path)):
            journal.append(power(1.0))


def test_a_folder_is_one_publishers(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    with pytest.raises(Mistake, match="belongs to 'osl-dc1', not to 'osl-dc2'"):
        Journal(tmp_path, "osl-dc2", SystemClock())


@pytest.mark.parametrize("name", ["", "p" * 201, "osl\0dc1", "osl\ndc1"])
def test_a_publisher_needs_a_printable_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(Mistake, match="publisher's name"):
        Journal(tmp_path, name, SystemClock())


OTHER = b'{"publisher": "osl-dc1", "epoch": 1, "version": 2, "check": 1}'


@pytest.mark.parametrize(
    "content", [None, b"", b"\0" * 200, b'{"publisher": 7}', b'{"publi', OTHER]
)
def test_a_state_that_cannot_be_read_is_written_anew(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    filled(tmp_path)
    before = load(tmp_path / "state.json")
    (tmp_path / "state.json").unlink()
    if content is not None:
        (tmp_path / "state.json").write_bytes(content)
    with pytest.raises(Mistake, match="is written anew") if content is not None else _no_file():
        load(tmp_path / "state.json")
    with opened(tmp_path) as journal:
        assert (journal.epoch, journal.publisher) == (before.epoch, before.publisher)
        assert numbers(journal) == [1, 2, 3]
        assert journal.state.lost == 0
        assert journal.append(power(9.0)).sequence == 4
    assert "wrote state.json anew" in caplog.text


def _no_file() -> "pytest.RaisesExc[FileNotFoundError]":
    return pytest.raises(FileNotFoundError)


def test_a_folder_of_which_nothing_can_be_told_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / f"{1:020}.journal").touch()
    with pytest.raises(Mistake, match="move the folder away"):
        Journal(tmp_path, "osl-dc1", SystemClock())


def test_a_state_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    with opened(tmp_path, limit_bytes=2**12) as journal:
        for watts in range(60):
            journal.append(power(watts))
        lost, first = journal.state.lost, journal.state.first
        assert lost == first - 1 > 0
    state = load(tmp_path / "state.json")
    older = {"publisher": state.publisher, "epoch": state.epoch, "lost": lost, "version": 1}
    (tmp_path / "state.json").write_bytes(json.encode(older))
    (tmp_path / "last.mark").unlink()
    with opened(tmp_path) as journal:
        assert journal.state.lost == lost
    (tmp_path / "state.json").write_bytes(json.encode({**older, "acknowledged": 60}))
    with opened(tmp_path) as journal:
        assert journal.state.lost == lost


def test_a_folder_that_cannot_be_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Mistake, match="cannot be opened: Not a directory"):
        Journal(tmp_path / "file" / "journal", "osl-dc1", SystemClock())


def test_a_folder_emptied_by_hand_begins_a_new_epoch(tmp_path: Path, clock: FixedClock) -> None:
    with opened(tmp_path) as journal:
        journal.append(power(1.0))
        journal.append(power(2.0))
        journal.acknowledged(journal.epoch, 1)
    segments(tmp_path)[0].unlink()
    with Journal(tmp_path, "osl-dc1", clock) as journal:
        assert (journal.epoch, journal.last) == (NOON_MS, 0)
        assert journal.state.lost == 1
        journal.append(power(1.0))
        journal.acknowledged(journal.epoch, 1)
    segments(tmp_path)[0].unlink()
    with opened(tmp_path) as journal:
        assert journal.state.lost == 1
    segments(tmp_path)[0].unlink()
    (tmp_path / "state.json").unlink()
    with opened(tmp_path) as journal:
        assert journal.state.lost == 0


def test_a_batch_no_reader_would_accept_takes_no_number(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        with pytest.raises(ValueError, match="named twice"):
            journal.append(power(1.0, 2.0, names=("a", "a")))
        assert journal.append(power(1.0)).sequence == 1


# Acknowledged, outgrown


def test_what_is_acknowledged_goes_by_whole_segments(tmp_path: Path) -> None:
    with opened(tmp_path, limit_bytes=2**14) as journal:
        for watts in range(40):
            journal.append(power(watts))
        names = segments(tmp_path)
        assert journal.acknowledged(journal.epoch, int(names[1].stem) - 2)
        assert segments(tmp_path) == names
        assert journal.acknowledged(journal.epoch, int(names[1].stem) - 1)
        assert segments(tmp_path) == names[1:]
        assert journal.acknowledged(journal.epoch, 40)
        assert segments(tmp_path) == names[-1:]
        assert (journal.state.acknowledged, journal.state.lost) == (40, 0)
    with opened(tmp_path) as journal:
        assert journal.state.acknowledged == 40
        assert journal.append(power(1.0)).sequence == 41


def test_old_repeated_and_foreign_acknowledgements_change_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for watts in range(3):
            journal.append(power(watts))
        assert journal.acknowledged(journal.epoch, 2)
        assert journal.acknowledged(journal.epoch, 2)
        assert journal.acknowledged(journal.epoch, 1)
        assert not journal.acknowledged(journal.epoch - 1, 3)
        assert journal.state.acknowledged == 2


def test_what_outgrows_the_limit_is_lost_and_not_silently(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, limit_bytes=2**13) as journal:
        for watts in range(100):
            journal.append(power(watts))
        state = journal.state
        assert state.first > 1
        assert state.lost == state.first - 1
        assert numbers(journal) == list(range(state.first, 101))
        assert sum(path.stat().st_size for path in segments(tmp_path)) <= 2**13
    assert "outgrew its limit" in caplog.text
    with opened(tmp_path, limit_bytes=2**13) as journal:
        assert journal.state.lost == state.lost


def test_what_was_acknowledged_is_not_lost_when_it_is_outgrown(tmp_path: Path) -> None:
    with opened(tmp_path, limit_bytes=2**13) as journal:
        for watts in range(20):
            journal.append(power(watts))
        first = journal.state.first
        journal.acknowledged(journal.epoch, 19)
        before = journal.state.lost
        for watts in range(80):
            journal.append(power(watts))
        assert journal.state.lost == before + journal.state.first - 20
        assert first < journal.state.first


def test_a_journal_from_a_backup_gives_no_number_out_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as journal:
        for watts in range(4):
            journal.append(power(watts))
        journal.acknowledged(journal.epoch, 2)
        assert journal.acknowledged(journal.epoch, 9)
        assert journal.append(power(1.0)).sequence == 10
        assert numbers(journal, 9) == [10]
        assert journal.state.lost == 2
    assert "restored from a backup" in caplog.text


# Cut off, damaged, full


def filled(folder: Path, count: int = 3) -> Path:
    """A journal of some batches; its one segment."""
    with opened(folder) as journal:
        for watts in range(count):
            journal.append(power(watts))
    return segments(folder)[0]


@given(st.data())
@settings(max_examples=60)
def test_a_record_cut_off_anywhere_goes_and_its_number_is_given_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A write that did not get to its end was promised to nobody."""
    folder = tmp_path_factory.mktemp("journal")
    segment = filled(folder, 3)
    promised, mark = boundary(segment, 2), folder / "last.mark"
    epoch = int.from_bytes(mark.read_bytes()[:8], "little")
    Mark(folder).write(epoch, 2)
    os.truncate(segment, data.draw(st.integers(promised, segment.stat().st_size - 1)))
    if segment.stat().st_size == promised:  # made longer by a power failure, beside a plain cut
        os.truncate(segment, promised + data.draw(st.sampled_from([0, 1, 100])))
    for count in (2, 3):
        with opened(folder) as journal:
            assert numbers(journal) == list(range(1, count + 1))
            assert journal.append(power(9.0)).sequence == count + 1
            assert journal.state.lost == 0


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_happens_to_one_file_nothing_is_lost_without_a_word(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    with opened(folder, limit_bytes=2**14) as journal:
        for watts in range(count := data.draw(st.integers(1, 30))):
            journal.append(power(watts))
        acknowledged = data.draw(st.integers(0, count))
        journal.acknowledged(journal.epoch, acknowledged)
        epoch = journal.epoch
    paths = sorted(path for path in folder.iterdir() if path.name != "lock")
    harm(paths[data.draw(st.integers(0, 19)) % len(paths)], data)
    try:
        with opened(folder) as journal:
            there, state = set(numbers(journal)), journal.state
            fresh = journal.append(power(9.0))
    except Mistake as mistake:
        assert "move the folder away" in str(mistake)  # noqa: PT017 - it may be raised or not
        return
    gone = set(range(acknowledged + 1, count + 1)) - there
    assert state.lost >= len(gone)
    assert (fresh.sequence > count and state.epoch == epoch) or state.epoch > epoch
    with opened(folder) as journal:
        assert journal.state.lost == state.lost
        assert there <= set(numbers(journal))


def harm(path: Path, data: st.DataObject) -> None:
    """Change a byte of a file, cut it short, or remove it."""
    content = path.read_bytes()
    how = data.draw(st.sampled_from(["change", "cut", "remove"]))
    place = data.draw(st.integers(0, 9999)) * len(content) // 10_000
    bits = data.draw(st.integers(1, 255))
    if how == "remove":
        path.unlink()
    elif content:
        changed = bytes([content[place] ^ bits])
        path.write_bytes(content[:place] + (changed + content[place + 1 :]) * (how == "change"))


def test_a_journal_cut_short_counts_what_it_lost(tmp_path: Path) -> None:
    """Fifty batches that were promised went without a count."""
    segment = filled(tmp_path, 60)
    os.truncate(segment, boundary(segment, 10))
    for _ in range(2):
        with opened(tmp_path) as journal:
            assert (len(numbers(journal)), journal.state.lost) == (10, 50)
            assert journal.last == 60


def test_a_file_cut_short_while_it_is_read_gives_what_is_left(tmp_path: Path) -> None:
    segment = filled(tmp_path)
    with opened(tmp_path) as journal:
        assert numbers(journal) == [1, 2, 3]
        os.truncate(segment, boundary(segment, 1) + 5)
        assert numbers(journal) == [1]


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda two: tuple(sorted(two))),
        max_size=4,
    ),
    st.sets(st.integers(0, 9)),
)
def test_gaps_are_sets_of_numbers(pairs: list[tuple[int, int]], there: set[int]) -> None:
    numbers = {number for first, last in pairs for number in range(first, last + 1)}
    whole = joined(pairs)
    assert as_set(whole) == numbers
    assert length(whole) == len(numbers)
    assert list(missing(sorted(there), 10, 9)) == []
    lacking = list(missing(sorted(there), 0, 9))
    assert as_set(lacking) == set(range(10)) - there
    assert as_set(list(without(lacking, whole))) == set(range(10)) - there - numbers


def as_set(gaps: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in gaps for number in range(first, last + 1)}


def test_a_mark_that_cannot_be_believed_is_none(tmp_path: Path) -> None:
    mark = Mark(tmp_path)
    assert mark.read() == (0, 0)
    mark.write(5, 7)
    mark.close()
    assert mark.read() == (5, 7)
    (tmp_path / "last.mark").write_bytes(b"\0" * 4)
    assert mark.read() == (0, 0)


def boundary(segment: Path, records: int) -> int:
    """Where the record after so many starts, computed from their lengths alone."""
    content, end = segment.read_bytes(), 0
    for _ in range(records):
        end += HEADER_BYTES + int.from_bytes(content[end : end + 4], "little")
    return end


def test_a_damaged_message_costs_that_message_only(tmp_path: Path) -> None:
    segment = filled(tmp_path)
    damage(segment, boundary(segment, 1) + HEADER_BYTES + 10)
    with opened(tmp_path) as journal:
        assert numbers(journal) == [1, 3]
        assert journal.state.lost == 1
        assert journal.append(power(1.0)).sequence == 4


def test_no_number_in_a_damaged_file_is_given_out_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    segment = filled(tmp_path)
    damage(segment, boundary(segment, 1) + 1)
    with opened(tmp_path) as journal:
        assert journal.last >= 3
        assert journal.state.lost == journal.last - 1
        fresh = journal.append(power(1.0)).sequence
        assert numbers(journal) == [1, fresh]
    assert "damaged, were cut short or removed" in caplog.text
    with opened(tmp_path) as journal:
        assert numbers(journal) == [1, fresh]


def test_a_record_with_anothers_number_is_damage(tmp_path: Path) -> None:
    segment = filled(tmp_path)
    start, content = boundary(segment, 1), segment.read_bytes()
    segment.write_bytes(content[:start] + content)
    with opened(tmp_path) as journal:
        assert journal.last > 3


def test_no_batch_is_smaller_than_the_smallest() -> None:
    least = Batch(publisher="p", epoch=0, sequence=1, sent_ms=0, samples=Columns())
    assert HEADER_BYTES + len(envelope.pack(least)) >= SMALLEST_BYTES


def test_no_journal_is_begun_before_the_clock_is_set(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="the clock says 1970; set it"):
        Journal(tmp_path, "osl-dc1", FixedClock(EPOCH))


def damage(segment: Path, place: int) -> None:
    content = bytearray(segment.read_bytes())
    content[place] ^= 255
    segment.write_bytes(content)


def test_a_segment_that_went_meanwhile_is_left_out(tmp_path: Path) -> None:
    with opened(tmp_path, limit_bytes=2**14) as journal:
        for watts in range(40):
            journal.append(power(watts))
        reading = journal.since(0)
        assert next(reading).sequence == 1
        journal.acknowledged(journal.epoch, 39)
        rest = [entry.sequence for entry in reading]
        assert rest == sorted(set(rest))
        assert rest[-1] == 40
        assert len(rest) < 39


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """No file of this process can become larger, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_by_the_folder_and_harms_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append(power(1.0))
        size = segments(tmp_path)[0].stat().st_size
        for more in (1, HEADER_BYTES, HEADER_BYTES + 5):
            with full_at(size + more), pytest.raises(OSError, match="cannot be written") as caught:
                journal.append(power(2.0))
            assert str(tmp_path) in str(caught.value)
            assert segments(tmp_path)[0].stat().st_size == size
        assert journal.append(power(3.0)).sequence == 2
        assert [read(entry).samples.value.tolist() for entry in journal.since(0)] == [[1.0], [3.0]]


def test_a_journal_that_somebody_removed_says_so_instead_of_writing_into_nothing(
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "journal") as journal:
        journal.append(power(1.0))
        shutil.rmtree(tmp_path / "journal")
        with pytest.raises(OSError, match="its file was removed"):
            journal.append(power(2.0))


def test_on_a_full_disk_what_is_acknowledged_still_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, limit_bytes=2**14) as journal:
        for watts in range(40):
            journal.append(power(watts))
        with full_at(0):
            assert journal.acknowledged(journal.epoch, 40)
        assert len(segments(tmp_path)) == 1
    assert "cannot save its state" in caplog.text


def test_a_disk_that_is_full_at_the_start_is_a_mistake(tmp_path: Path) -> None:
    with full_at(0), pytest.raises(Mistake, match=f"{tmp_path}: cannot be opened: File too large"):
        Journal(tmp_path, "osl-dc1", SystemClock())


def killed(folder: Path, after: int) -> list[int]:
    """Run a process that appends, kill it after some promises, and give what it promised."""
    command = [sys.executable, "-m", "tests.bus.appending", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        promised = [int(process.stdout.readline()) for _ in range(after)]
        process.kill()
        promised += map(int, process.stdout.read().decode().split())
    return promised


def test_what_append_promised_survives_kill_9_and_nothing_is_there_twice(tmp_path: Path) -> None:
    chance = random.Random(7)
    promised: list[int] = []
    for _ in range(8):
        promised += killed(tmp_path, chance.randrange(1, 120))
        with opened(tmp_path) as journal:
            batches = [read(entry) for entry in journal.since(0)]
        values = [set(batch.samples.value.tolist()) for batch in batches]
        assert values == [{float(batch.sequence)} for batch in batches]
        assert [batch.sequence for batch in batches] == list(range(1, len(batches) + 1))
        # The one in the making may be there without a promise.
        assert promised[-1] <= len(batches) <= promised[-1] + 1
