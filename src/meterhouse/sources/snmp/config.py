"""How a PDU is told to the source: where it is, who asks, what it says and of which nodes."""

import re
from dataclasses import dataclass, replace
from math import inf

from meterhouse.clients.snmp.access import (
    NO_SECRET,
    SHORTEST_KEY,
    Access,
    Version,
    auth_of,
    privacy_of,
    version_of,
)
from meterhouse.clients.snmp.agent import TRIES, WAIT_S
from meterhouse.metering.meters import ENERGY, POWER, Meter
from meterhouse.metering.secrets import Secret
from meterhouse.sources import Measures, Probes, checked, factor, hint
from meterhouse.sources.snmp.presets import PRESETS
from meterhouse.sources.snmp.tables import Object, Table

PUBLIC = Secret("public")
_PATTERN = re.compile(r"\.?[0-2]\.\d+(\.(\d+|\{device\}|\{n\}|\{row\}))+")
_HIGHEST_PART = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """An object of one's own for each outlet.

    oid:      a pattern as in ``tables``, or one for each outlet, or a column whose rows are the
              outlets in their order
    unit:     in what the agent counts, as in sources/units.py
    scale:    besides: 0.1 for tenths
    wraps_at: of an energy register: how many numbers it has; 0: not known
    absent:   numbers that mean that there is none
    """

    oid: str | tuple[str, ...]
    unit: str = ""
    scale: float = 1.0
    wraps_at: float = 0.0
    absent: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.oid:
            raise ValueError("oid: at least one is needed")
        for pattern in self.patterns:
            _check_pattern("oid", pattern)
        if not 0 < self.scale < inf or not 0 <= self.wraps_at < inf:
            raise ValueError("scale and wraps_at: numbers above 0")

    @property
    def patterns(self) -> tuple[str, ...]:
        written = (self.oid,) if isinstance(self.oid, str) else self.oid
        return tuple(pattern.removeprefix(".") for pattern in written)

    @property
    def column(self) -> str:
        """Whose rows are the outlets; "" if they are known otherwise."""
        return self.patterns[0] if isinstance(self.oid, str) and "{" not in self.oid else ""

    def of(self, meter: Meter) -> Object:
        first = f"{self.column}.{{row}}" if self.column else self.patterns[0]
        return Object(
            oid=first if isinstance(self.oid, str) else self.patterns,
            scale=factor(meter, self.unit, self.scale),
            size=self.wraps_at or inf,
            absent=self.absent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where a PDU is, who asks it, and which nodes its outlets feed.

    community:      of v1 and v2c
    user and below: of v3
    preset:         what make it is; or else ``power`` and ``energy``
    device:         the number in a daisy chain, as the agent counts: Eaton from 0, others from 1
    probes:         for each outlet what it feeds, as in sources/outlets.py; may be left out where
                    there are ``inputs``: many a PDU measures what it takes in and no outlet
    inputs:         likewise, names for what the whole device takes in: read, not summed
    label_oid:      a column of texts: an outlet is the row that says its label
    labels:         for each outlet, its label
    measures:       what of a node its outlets measure, if not what the preset says
    wait_s, tries:  for one answer, and how often it is asked for
    project:        whose the probes are, by the project's id; "" leaves it to an ownership rule
    """

    host: str
    probes: Probes = ()
    port: int = 161
    version: str | int = "2c"
    community: Secret = PUBLIC
    user: str = ""
    auth: str = ""
    auth_key: Secret = NO_SECRET
    privacy: str = ""
    privacy_key: Secret = NO_SECRET
    preset: str = ""
    device: int | None = None
    inputs: tuple[str, ...] = ()
    power: Objects | None = None
    energy: Objects | None = None
    label_oid: str = ""
    labels: tuple[str, ...] = ()
    measures: Measures | None = None
    wait_s: float = WAIT_S
    tries: int = TRIES
    project: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be meant, without showing a secret."""
        _check_place(self)
        _check_access(self)
        checked(self.probes, self.inputs)
        _check_objects(self)
        _check_labels(self)
        _check_counts(self)

    @property
    def access(self) -> Access:
        return Access(
            version=version_of(self.version),
            community=self.community,
            user=self.user,
            auth=auth_of(self.auth),
            auth_key=self.auth_key,
            privacy=privacy_of(self.privacy),
            privacy_key=self.privacy_key,
        )

    @property
    def number(self) -> int:
        """The device's number as its agent counts."""
        first = PRESETS[self.preset].first if self.preset else 1
        return first if self.device is None else self.device

    @property
    def outlets(self) -> Table:
        if self.preset:
            found = PRESETS[self.preset].outlets_of(self.number)
            return _labelled(found, found.rows, self.labels) if self.labels else found
        own = [objects for objects in (self.power, self.energy) if objects]
        table = Table(
            power=self.power.of(POWER) if self.power else None,
            energy=self.energy.of(ENERGY) if self.energy else None,
            rows=next((objects.column for objects in own if objects.column), ""),
        )
        return _labelled(table, self.label_oid.removeprefix("."), self.labels)

    @property
    def totals(self) -> Table | None:
        return PRESETS[self.preset].inputs if self.preset else None

    @property
    def outlets_named(self) -> Probes:
        """The outlets, of which at least one has a name; or none."""
        return self.probes if any(self.probes) else ()

    @property
    def tables(self) -> list[tuple[Table, Probes]]:
        """What is asked for: of the outlets, and then of the inputs; and their names."""
        return [(table, names) for _, table, names in self._asked]

    @property
    def roles(self) -> list[str]:
        """Of each of the tables, what it is of: "outlets" or "inputs"."""
        return [role for role, _, _ in self._asked]

    @property
    def _asked(self) -> list[tuple[str, Table, Probes]]:
        both = (
            ("outlets", self.outlets, self.outlets_named),
            ("inputs", self.totals, self.inputs),
        )
        return [(role, table, names) for role, table, names in both if table and names]

    @property
    def what(self) -> Measures:
        known = PRESETS[self.preset].measures if self.preset else Measures.OUTLET
        return self.measures or known


def _labelled(table: Table, rows: str, labels: tuple[str, ...]) -> Table:
    if not labels:
        return table
    return replace(table, rows=rows, labels=labels, most=len(labels))


def _check_place(config: Config) -> None:
    if not config.host or any(sign in config.host for sign in "/ @"):
        raise ValueError("host: a name or an address and nothing more")
    if not 0 < config.port < 2**16:
        raise ValueError("port: 1 to 65535")
    if not 0 < config.wait_s <= 60 or not 0 < config.tries <= 10:
        raise ValueError("wait_s and tries: up to 60 seconds, and 1 to 10 times")
    if config.device is not None and not 0 <= config.device <= _HIGHEST_PART:
        raise ValueError("device: a number from 0")


def _check_access(config: Config) -> None:
    version = version_of(config.version)
    auth, privacy = auth_of(config.auth), privacy_of(config.privacy)
    if version is not Version.V3 and (config.user or auth or privacy):
        raise ValueError('user, auth and privacy: go with version = "3"')
    if version is Version.V3 and not config.user:
        raise ValueError('user: version = "3" needs one')
    if version is not Version.V3 and not config.community.reveal():
        raise ValueError("community: is empty; agents know it as a word, often public")
    for name, chosen, key in (
        ("auth", auth, config.auth_key),
        ("privacy", privacy, config.privacy_key),
    ):
        if bool(chosen) != bool(key.reveal()):
            raise ValueError(f"{name} and {name}_key: go together")
        if chosen and len(key.reveal()) < SHORTEST_KEY:
            raise ValueError(f"{name}_key: has at least {SHORTEST_KEY} characters")
    if privacy and not auth:
        raise ValueError("privacy: needs auth as well")


def _check_objects(config: Config) -> None:
    if config.preset and config.preset not in PRESETS:
        raise ValueError(f"preset: {config.preset!r} is not known{hint(config.preset, PRESETS)}")
    if bool(config.preset) == bool(config.power or config.energy):
        raise ValueError(
            "preset, or power and energy: what does it say, and where? "
            f"Presets: {', '.join(PRESETS)}"
        )
    if config.inputs and not config.totals:
        raise ValueError("inputs: go with the preset of a PDU that measures its input")


def _check_labels(config: Config) -> None:
    if config.label_oid:
        _check_pattern("label_oid", config.label_oid)
    if config.preset:
        if config.label_oid or (config.labels and not PRESETS[config.preset].outlets.labels):
            raise ValueError("label_oid and labels: this preset finds its outlets by number")
    elif bool(config.label_oid) != bool(config.labels):
        raise ValueError("label_oid and labels: go together")
    needs = any("{row}" in one.pattern(0) for one in config.outlets.objects)
    if needs and not config.outlets.rows:
        raise ValueError("oid: {row} goes with label_oid and labels")


def _check_counts(config: Config) -> None:
    count, table = len(config.probes), config.outlets
    if config.outlets_named:
        _check_outlets(count, table)
    if config.totals and len(config.inputs) > config.totals.most:
        raise ValueError(f"inputs: there can be {config.totals.most} at most")
    if config.inputs and not any(config.inputs):
        raise ValueError("inputs: at least one needs a name")


def _check_outlets(count: int, table: Table) -> None:
    if table.labels and len(table.labels) != count:
        raise ValueError(f"labels and probes: {len(table.labels)} labels, {count} probes")
    for one in table.objects:
        if isinstance(one.oid, tuple) and len(one.oid) != count:
            raise ValueError(f"oid and probes: {len(one.oid)} OIDs, {count} probes")
    if count > table.most:
        raise ValueError(f"probes: there can be {table.most} at most")


def _check_pattern(key: str, pattern: str) -> None:
    parts = [int(part) for part in pattern.split(".") if part.isdigit()]
    if not _PATTERN.fullmatch(pattern) or max(parts) > _HIGHEST_PART or parts[1] >= 40:
        raise ValueError(
            f"{key}: {pattern!r}: expected an OID in numbers, with {{device}}, {{n}} or {{row}} "
            "in it as one likes"
        )
