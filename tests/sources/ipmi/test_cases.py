"""What FreeIPMI printed, beside what it becomes: a folder each in the source's ``cases``.

section.toml:  which hosts were asked, and how
dcmi.txt:      what ipmi-dcmi printed
sensors.txt:   what ipmi-sensors printed, where it is asked as well
expected.json: by host its watts, or a reason and what people are told
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import meterhouse.sources.ipmi
from meterhouse.clients.freeipmi.client import FreeIpmi
from meterhouse.metering.meters import POWER
from meterhouse.sources import Partial, Told, Trouble, configure
from meterhouse.sources.ipmi.config import bmcs
from meterhouse.sources.ipmi.source import Bmcs

CASES = Path(meterhouse.sources.ipmi.__file__).parent / "cases"
each_case = pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)


class Recorded(FreeIpmi):
    """Prints what was printed once."""

    def _environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:/usr/bin:/bin"}


def recorded(case: Path, folder: Path) -> Recorded:
    for program, file in (("ipmi-dcmi", "dcmi.txt"), ("ipmi-sensors", "sensors.txt")):
        (folder / program).write_text(f"#!/bin/sh\nexec cat {case / file}\n")
        (folder / program).chmod(0o700)
    return Recorded(folder)


def plain(told: Told) -> Any:
    if isinstance(told, Trouble):
        return [told.reason, told.said]
    assert not isinstance(told, Partial)
    return told[POWER]


@each_case
async def test_a_case_is_read_as_expected(case: Path, tmp_path: Path) -> None:
    section = tomllib.loads((case / "section.toml").read_text())
    section |= {"kind": "ipmi", "port": 9623, "probes": section["hosts"]}
    found = bmcs(configure("rack-1", section, where=case.name).config)
    told: dict[str, Any] = {}

    def tell(number: int, what: Told) -> None:
        told.setdefault(found[number].host, plain(what))

    await Bmcs(recorded(case, tmp_path), found).ask(range(len(found)), tell)
    assert told == json.loads((case / "expected.json").read_text())


@each_case
def test_a_case_says_where_it_comes_from(case: Path) -> None:
    assert (case / "origin.txt").read_text().strip()
