"""UPSes and PDUs that Network UPS Tools watches: power, voltage and current of their outlets."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby

import numpy as np

from meterhouse.clients.trust import Trust, Verify, where_spoken
from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import CURRENT, POWER, VOLTAGE, Meter
from meterhouse.metering.secrets import Secret
from meterhouse.sources import (
    Named,
    Outlets,
    Parts,
    Probes,
    Reading,
    Source,
    SourceKind,
    checked,
)
from meterhouse.sources.documents import number
from meterhouse.sources.nut.client import NO_SUCH, Refused, Upsd, open_upsd
from meterhouse.sources.nut.variables import (
    LOAD,
    NOMINAL,
    PART,
    Sum,
    voltage_and_current,
    watts,
)

METERS = (POWER, VOLTAGE, CURRENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one upsd watches.

    outlets:  the name of a UPS for all that it delivers, or name:part for a part of it: a number
              for an outlet of a PDU, and others, see ``nut/variables.py``
    probes:   what each of them feeds
    user, password: where upsd wants them
    tls:      whether upsd is asked for TLS (STARTTLS) before anything else
    verify, certificate, fingerprint: how it then proves who it is; see clients/trust.py
    project:  whose the probes are, by the project's id; "" leaves it to an ownership rule
    """

    host: str
    port: int = 3493
    outlets: tuple[str, ...]
    probes: Probes
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    tls: bool = False
    verify: Verify = "ca"
    certificate: str = ""
    fingerprint: str = ""
    project: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError("port: 1 to 65535")
        if not self.outlets or len(set(self.outlets)) < len(self.outlets):
            raise ValueError("outlets: at least one, each once")
        for outlet in self.outlets:
            ups, colon, place = outlet.partition(":")
            if (
                not ups
                or not outlet.isprintable()
                or set(ups) & set(' "\\')
                or (colon and not PART.fullmatch(place))
            ):
                raise ValueError(
                    f'outlets: {outlet!r}: write "ups", "pdu:1" for an outlet, or'
                    ' "pdu:outlet.group.1", "pdu:input", "pdu:device.2.outlet.1" in a daisy chain'
                )
        if len(self.probes) != len(self.outlets):
            raise ValueError(f"probes: {len(self.probes)} for {len(self.outlets)} outlets")
        checked(self.probes)
        if bool(self.user) != bool(self.password.reveal()):
            raise ValueError("user and password go together")
        if not (self.user + self.password.reveal()).isprintable():
            raise ValueError("user and password: printable, on one line")
        _ = self.trust

    @property
    def trust(self) -> Trust | None:
        """None: TLS is not spoken."""
        trust = Trust(self.verify, self.certificate, self.fingerprint)
        return where_spoken(trust, tls=self.tls)


class Outlet:
    """One outlet, and the variables that hold what is known of it.

    estimated: whether its power is made of its load, since it does not say watts
    """

    def __init__(self, place: int, name: str) -> None:
        self.place, self.estimated = place, False
        self.ups, _, self.part = name.partition(":")
        self._learned: Sum = ()  # what was found to hold its power, added
        self._wanted = voltage_and_current(self.part)

    async def read(self, upsd: Upsd, refused: Counter[str]) -> dict[Meter, float]:
        """What it says. Raises Refused if the whole UPS has nothing to say."""
        values: dict[Meter, float] = {}
        for meter in (POWER, *self._wanted):
            try:
                values[meter] = await self._figure(upsd, meter)
            except ValueError:
                refused["not a number"] += 1
            except Refused as error:
                if error.code != NO_SUCH:
                    raise
                if meter is POWER:
                    refused[str(error)] += 1
                else:
                    del self._wanted[meter]  # it is not asked again
        return values

    async def _figure(self, upsd: Upsd, meter: Meter) -> float:
        if meter is not POWER:
            return number(await upsd.variable(self.ups, self._wanted[meter]))
        if self.estimated:
            return await self._from_load(upsd)
        if not self._learned:
            self._learned = await self._search(upsd)
        if not self._learned:
            watts = await self._from_load(upsd)
            self.estimated = True
            return watts
        return await self._added(upsd)

    async def _added(self, upsd: Upsd) -> float:
        """Raises Refused, and looks for another place the next time, if one is there no more."""
        try:
            return sum([number(await upsd.variable(self.ups, each)) for each in self._learned])
        except Refused as error:
            if error.code == NO_SUCH:
                self._learned = ()
            raise

    async def _search(self, upsd: Upsd) -> Sum:
        """The first place in which watts are said; () if there is none."""
        for names in watts(self.part):
            there = tuple([name for name in names if await self._has(upsd, name)])
            if there:
                return there
        return ()

    async def _has(self, upsd: Upsd, name: str) -> bool:
        try:
            await upsd.variable(self.ups, name)
        except Refused as error:
            if error.code != NO_SUCH:
                raise
            return False
        return True

    async def _from_load(self, upsd: Upsd) -> float:
        """The load is a part of what the UPS can deliver. Raises Refused."""
        if self.part:
            raise Refused(NO_SUCH)
        load = number(await upsd.variable(self.ups, LOAD))
        return load / 100 * number(await upsd.variable(self.ups, NOMINAL))


class Nut:
    """All outlets of one upsd."""

    def __init__(self, upsd: Upsd, config: Config, named: Named) -> None:
        self._upsd, self._named = upsd, named
        self._outlets = Outlets(named, config.probes, project=config.project)
        self._parts = Parts(named.name)
        self._asked = [Outlet(place, name) for place, name in enumerate(config.outlets)]
        self._asked.sort(key=lambda outlet: outlet.ups)

    async def read(self) -> Reading:
        """Raises BadReading if no UPS says anything."""
        at_ms, refused = self._named.clock.now_ms(), Counter[str]()
        values = {meter: np.full(len(self._outlets), np.nan) for meter in METERS}
        for ups, outlets in groupby(self._asked, key=lambda outlet: outlet.ups):
            try:
                for outlet in outlets:
                    await self._read(outlet, values, refused)
            except (Refused, BadReading) as error:
                self._parts.failed(f"UPS {ups}", error)
                refused[str(error) if isinstance(error, Refused) else "no usable answer"] += 1
            else:
                self._parts.works(f"UPS {ups}")
        if all(np.isnan(value).all() for value in values.values()) and self._parts.failing:
            raise BadReading(self._parts.said())
        lacking = self._parts.lacking
        return self._outlets.reading(at_ms, values, refused, promised=(POWER,), lacking=lacking)

    async def _read(
        self, outlet: Outlet, values: dict[Meter, np.ndarray], refused: Counter[str]
    ) -> None:
        estimated = outlet.estimated
        for meter, value in (await outlet.read(self._upsd, refused)).items():
            values[meter][outlet.place] = value
        if outlet.estimated and not estimated:
            self._outlets.describe(outlet.place, {"estimated": f"{LOAD} x {NOMINAL}"})


@asynccontextmanager
async def open_nut(config: Config, named: Named) -> AsyncIterator[Source]:
    password, trust = config.password.reveal(), config.trust
    trusted = await asyncio.to_thread(trust.context) if trust else None
    async with open_upsd(config.host, config.port, config.user, password, trusted) as upsd:
        yield Nut(upsd, config, named)


SOURCE = SourceKind(
    name="nut",
    title="Network UPS Tools",
    config=Config,
    meters=METERS,
    interval=timedelta(seconds=5),
    timeout=timedelta(seconds=10),
    open=open_nut,
)
