"""Silence of a source, and how much of a stretch lies in it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.usage.estates import GIB, HOUR, MIRROR, T0, ask, estate, gap, revision

from meterhouse.metering.periods import Period
from meterhouse.usage.gaps import Gap, silences
from meterhouse.usage.report import Axis

SPANS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: tuple(sorted(pair)))


@given(st.lists(SPANS, max_size=6), SPANS)
def test_silence_is_counted_once_however_gaps_overlap(
    gaps: list[tuple[int, int]], stretch: tuple[int, int]
) -> None:
    of = silences([Gap("cloud", "instance", Period.from_ms(a, b)) for a, b in gaps])
    silent = {ms for a, b in gaps for ms in range(a, b)}
    found = 0
    if gaps:
        start, end = (np.array([moment]) for moment in stretch)
        found = int(of["cloud", "instance"].within(start, end)[0])
    assert found == len(silent & set(range(*stretch)))


def test_gaps_that_overlap_or_touch_are_one_silence() -> None:
    gaps = [Gap("cloud", "instance", Period.from_ms(a, b)) for a, b in ((0, 5), (3, 9), (9, 11))]
    silence = silences(gaps)["cloud", "instance"]
    assert (silence.start.tolist(), silence.end.tolist()) == ([0], [11])


def test_a_resource_is_covered_while_its_source_was_seen() -> None:
    report = ask(Axis.PROJECT, estate(MIRROR, gaps=[gap(6, 12)]))
    assert report.total.coverage == 0.75
    assert report.total.unseen_ms == 6 * HOUR
    assert report.gaps == (gap(6, 12),)
    assert any("did not say what exists" in note for note in report.notes)


def test_silence_about_another_kind_or_source_uncovers_nothing() -> None:
    gaps = [gap(6, 12, kind="volume"), gap(3, 4, source="other")]
    report = ask(Axis.PROJECT, estate(MIRROR, gaps=gaps))
    assert report.total.coverage == 1
    assert report.gaps == (gap(3, 4, source="other"), gap(6, 12, kind="volume"))


def test_a_report_on_a_part_names_only_the_gaps_that_matter_there() -> None:
    volume = revision("disk", 14, (0, 24), kind="volume", vcpus=0, ram_bytes=0, disk_bytes=GIB)
    of = estate(MIRROR, volume, gaps=[gap(6, 12), gap(1, 2, kind="volume")])
    assert ask(Axis.PROJECT, of, project="moon").gaps == (gap(1, 2, kind="volume"),)
    assert ask(Axis.PROJECT, of, institution="osl").gaps == (gap(6, 12),)


def test_where_nothing_existed_nothing_is_covered() -> None:
    report = ask(Axis.PROJECT, estate(gaps=[Gap("cloud", "instance", Period.from_ms(T0, T0 + 1))]))
    assert report.total.coverage is None
    assert report.rows == ()


def test_a_source_that_was_not_read_yet_has_no_gap_and_a_note() -> None:
    early = Gap("new", "instance", Period.from_ms(T0, T0 + HOUR), before_first=True)
    report = ask(Axis.PROJECT, estate(MIRROR, gaps=[early, gap(6, 7)]))
    assert report.gaps == (gap(6, 7),)
    (note,) = [each for each in report.notes if each.startswith("Read for the first time")]
    assert note.endswith("UTC: new. What was there before is unknown.")


def test_a_source_that_was_first_read_after_the_period_is_said_to_be_unread_in_it() -> None:
    late = Gap("new", "instance", Period.from_ms(T0, T0 + 24 * HOUR), before_first=True)
    report = ask(Axis.PROJECT, estate(MIRROR, gaps=[late]))
    assert not report.gaps
    (note,) = [each for each in report.notes if "Not read yet" in each]
    assert note == "Not read yet in this period: new. What was there is unknown."
