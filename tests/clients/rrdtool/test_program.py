"""Files that rrdtool made are read as rrdtool reads them; others cost one line."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tests import rrd

from meterhouse.clients.rrdtool import dump
from meterhouse.clients.rrdtool.dump import Reading, Source
from meterhouse.clients.rrdtool.program import read
from meterhouse.metering.errors import BadReading, Unreachable

NOON = 1_777_636_800  # 2026-05-01 12:00 UTC


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three hours of readings with a silence of half an hour, and an odd last moment."""
    moments = [*range(NOON, NOON + 3600, 7), *range(NOON + 5400, NOON + 10_803, 7)]
    return rrd.make(tmp_path / "one.rrd", [(at, at % 97 + 0.5) for at in moments])


@pytest.mark.parametrize("step", [step for step, _ in rrd.KWAPI])
def test_every_row_has_the_time_and_mean_that_rrdtool_gives_it(file: Path, step: int) -> None:
    (archive,) = (one for one in read(file).archives if one.step_s == step)
    mine = {
        archive.start_s + (number + 1) * step: watts
        for number, watts in enumerate(archive.value[:, 0].tolist())
    }
    theirs = rrd.fetched(file, step, archive.start_s, archive.end_s - 1)
    assert len(theirs) >= len(mine)
    np.testing.assert_array_equal([theirs[at] for at in mine], list(mine.values()))


def test_a_file_tells_its_sources_and_archives(file: Path) -> None:
    found = read(file)
    assert found.sources == (Source("w", "GAUGE"),)
    assert [(one.function, one.step_s, len(one.value)) for one in found.archives] == [
        ("AVERAGE", *archive) for archive in rrd.KWAPI
    ]
    assert np.isnan(found.archives[-1].value).all()  # no week is over


def test_an_archive_tells_how_much_of_a_row_may_be_unknown(tmp_path: Path) -> None:
    path = rrd.make(tmp_path / "one.rrd", [(NOON, 1)], archives=[(1, 3), (5, 3)], xff=0.25)
    assert [one.xff for one in read(path).archives] == [0.25, 0.25]


def test_several_sources_are_columns(tmp_path: Path) -> None:
    path = rrd.make(tmp_path / "one.rrd", [(NOON, 1)], archives=[(1, 3)])
    rrd._run("tune", path, "DS:v:GAUGE:600:0:U")
    rrd._run("update", path, f"{NOON + 1}:5:230")
    (archive,) = read(path).archives
    assert archive.value[-1].tolist() == [5, 230]


def broken(folder: Path, kind: str) -> Path:
    """Something that is no RRD file."""
    whole = rrd.make(folder / "whole.rrd", [(NOON, 1), (NOON + 1, 2)])
    path = folder / "-broken.rrd"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("hello, world\n" * 100)
    elif kind == "cut":
        path.write_bytes(whole.read_bytes()[:6000])
    elif kind == "zeros":
        path.write_bytes(bytes(10_000))
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "zeros", "folder", "nothing"])
def test_what_is_no_such_file_is_one_line(kind: str, tmp_path: Path) -> None:
    with pytest.raises(BadReading) as caught:
        read(broken(tmp_path, kind))
    assert str(caught.value).strip()
    assert "\n" not in str(caught.value)


def test_a_garbled_file_is_read_or_refused_and_nothing_else(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    for place in range(0, len(whole), 401):
        garbled = tmp_path / "garbled.rrd"
        garbled.write_bytes(whole[:place] + os.urandom(40) + whole[place + 40 :])
        with suppress(BadReading):
            read(garbled)


def test_without_rrdtool_it_says_what_to_install(file: Path) -> None:
    with pytest.raises(Unreachable, match=r"no-rrdtool cannot be started .*Debian: rrdtool"):
        read(file, program="no-rrdtool")


def program(folder: Path, does: str) -> str:
    path = folder / "rrdtool"
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_that_hangs_is_ended(file: Path, tmp_path: Path) -> None:
    hanging = program(tmp_path, "echo '<rrd>'; exec sleep 60")
    with pytest.raises(BadReading, match=r"did not end within 0\.3 s"):
        read(file, program=hanging, limit_s=0.3)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("echo '<rrd><step>1</step>'", "cannot be read: no element found"),
        ("echo '<rrd><step>1</step></rrd>'; exit 3", "ended with status 3"),
        ("echo '<rrd><rra><cf>AVERAGE</cf></rra></rrd>'", "no whole database"),
        ("echo '<rrd><rra><database><row><v>many</v>'", "'many' in it is no number"),
        (
            "echo '<!DOCTYPE rrd [<!ENTITY a \"aaaa\">]><rrd><step>&a;</step></rrd>'",
            "document type",
        ),
    ],
)
def test_what_a_program_prints_is_not_believed_blindly(
    does: str, said: str, file: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadReading, match=said):
        read(file, program=program(tmp_path, does))


def test_a_file_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "MOST_NUMBERS", 10)
    reading = Reading()
    with pytest.raises(BadReading, match="more than 10 numbers"):
        reading.feed(b"<rrd><rra><database>" + b"<row><v>1</v></row>" * 11)
