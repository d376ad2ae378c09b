"""BMCs by IPMI, through FreeIPMI: one process a round for all of them.

DCMI's power reading is taken first: 16 bits in watts, one question. A BMC that has none is asked
for a sensor in watts instead, of which Kwapi's rule is kept: the only one there is, if none is
named.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from meterhouse.clients.freeipmi import answers
from meterhouse.clients.freeipmi.answers import Complaint, Failure, Statistic
from meterhouse.clients.freeipmi.client import FreeIpmi, Manner, freeipmi
from meterhouse.metering.meters import POWER
from meterhouse.sources import (
    Crowd,
    Measures,
    Named,
    Outlets,
    Source,
    SourceKind,
    Tell,
    Told,
    Trouble,
)
from meterhouse.sources.ipmi.config import Bmc, Config, bmcs
from meterhouse.sources.ipmi.sensors import Chosen, Heard, chosen

Records = frozenset[int]
ALL: Records = frozenset()
NO_READING = Trouble("no reading", "its power measurement is not available")
NO_DCMI = Trouble("no DCMI", 'has no DCMI power reading; method = "sensors" asks its sensors')
ADVICE = {
    "password invalid": "password invalid (or it needs another of `workarounds`)",
    "privilege level cannot be obtained for this user": (
        "the user has not the right `privilege`, or the BMC needs workarounds = ['opensesspriv']"
    ),
    "privilege level insufficient": "the question needs a higher `privilege`",
    "invalid hostname": "the name cannot be resolved",
    "connection timeout": "no answer: is IPMI over LAN on there, and does a firewall drop it?",
    "internal IPMI error": "internal IPMI error; does it know this `cipher_suite`?",
}


@dataclass(slots=True)
class Bmcs:
    """The BMCs of one section.

    learned: what is known of the sensors of those that are asked for sensors, by number
    """

    programs: FreeIpmi
    all: Sequence[Bmc]
    learned: dict[int, Chosen] = field(default_factory=dict)

    async def ask(self, due: Sequence[int], tell: Tell) -> None:
        """Ask some of them. All with one manner go into one process."""
        by_manner: defaultdict[Manner, list[int]] = defaultdict(list)
        for number in due:
            by_manner[self.all[number].manner].append(number)
        async with asyncio.TaskGroup() as group:
            for manner, numbers in by_manner.items():
                group.create_task(self._ask_alike(manner, numbers, tell))

    async def _ask_alike(self, manner: Manner, numbers: Sequence[int], tell: Tell) -> None:
        """At once the ones for DCMI and the others for sensors; then those without DCMI."""
        for_sensors = [number for number in numbers if self._asks_sensors(number)]
        for_power = [number for number in numbers if not self._asks_sensors(number)]
        async with asyncio.TaskGroup() as group:
            for records, alike in self._by_records(for_sensors).items():
                group.create_task(self._ask_sensors(manner, records, alike, tell))
            lacking = await self._ask_power(manner, for_power, tell)
            await self._ask_sensors(manner, ALL, lacking, tell)

    def _by_records(self, numbers: Iterable[int]) -> Mapping[Records, list[int]]:
        """A BMC that is asked for a record it does not have says nothing at all, so that only
        those with the same sensors can be asked at once. Of whom nothing is known says all.
        """
        found: defaultdict[Records, list[int]] = defaultdict(list)
        for number in numbers:
            chosen = self.learned.get(number)
            found[frozenset(chosen.names) if chosen else ALL].append(number)
        return found

    def _asks_sensors(self, number: int) -> bool:
        return self.all[number].method == "sensors" or number in self.learned

    async def _ask_power(self, manner: Manner, numbers: Sequence[int], tell: Tell) -> list[int]:
        """Tell of those that say their power; return those that should be asked for sensors."""
        lacking: list[int] = []
        watts: dict[int, int] = {}
        numbered = self._numbered(numbers)

        def hear(address: str, line: str) -> None:
            number = numbered[address]
            found = answers.statistic(line)
            if found is None:
                told: Told | None = trouble_of(answers.complaint(line), line)
            elif found.watts is not None:
                watts[number], told = found.watts, None
            else:
                told = _measured(found, watts.get(number))
            if told in (NO_DCMI, NO_READING) and self.all[number].method == "auto":
                lacking.append(number)
            elif told:
                tell(number, told)

        if numbers:
            await self.programs.power(manner, list(numbered), hear)
        return lacking

    async def _ask_sensors(
        self, manner: Manner, records: Records, numbers: Sequence[int], tell: Tell
    ) -> None:
        """Tell of each as soon as all its sensors were heard, or when nothing more comes."""
        numbered = self._numbered(numbers)
        heard = {number: Heard(self.learned.get(number)) for number in numbers}

        def hear(address: str, line: str) -> None:
            number = numbered[address]
            if found := answers.sensor(line):
                if (watts := heard[number].add(found)) is not None:
                    tell(number, {POWER: watts})
            elif complaint := answers.complaint(line):
                tell(number, trouble_of(complaint, line))

        if numbers and await self.programs.sensors(manner, list(numbered), records, hear):
            for number in numbers:
                tell(number, self._all_said(number, heard[number]))

    def _all_said(self, number: int, heard: Heard) -> Told:
        """What comes of all that a BMC said in a round, when no more comes."""
        bmc, learned = self.all[number], self.learned
        try:
            found = heard.before or chosen(heard.sensors, bmc.sensors)
            watts = found.watts(heard.sensors)
        except LookupError as error:
            learned.pop(number, None)
            return Trouble("no power sensor", str(error))
        if watts is None:
            if bmc.method == "auto":
                learned.pop(number, None)  # perhaps DCMI knows
            return NO_READING
        learned[number] = found
        return {POWER: watts}

    def _numbered(self, numbers: Iterable[int]) -> dict[str, int]:
        return {self.all[number].address: number for number in numbers}


def _measured(found: Statistic, watts: int | None) -> Told | None:
    """What one line of the statistics adds to the watts that were said before."""
    if found.is_measured is None:
        return None
    if not found.is_measured:
        return NO_READING
    return {POWER: watts} if watts is not None else Trouble("not understood", "said no watts")


def trouble_of(complaint: Complaint | None, line: str) -> Trouble:
    if complaint is None:
        return Trouble("not understood", f"said {line[:80]!r}")
    if complaint.failure is Failure.UNSUPPORTED:
        return NO_DCMI
    said = ADVICE.get(complaint.said, complaint.said)
    return Trouble(complaint.failure.value, said, lasting=complaint.failure is Failure.LOGIN)


@asynccontextmanager
async def open_ipmi(config: Config, named: Named) -> AsyncIterator[Source]:
    found = bmcs(config)
    outlets = Outlets(named, config.probes, project=config.project, measures=Measures.NODE)
    with freeipmi() as programs:
        crowd = Crowd(outlets, [bmc.host for bmc in found], [POWER], Bmcs(programs, found).ask)
        try:
            yield crowd
        finally:
            await crowd.close()


SOURCE = SourceKind(
    name="ipmi",
    title="BMCs by IPMI",
    config=Config,
    meters=(POWER,),
    interval=timedelta(seconds=1),
    timeout=timedelta(seconds=30),
    open=open_ipmi,
)
