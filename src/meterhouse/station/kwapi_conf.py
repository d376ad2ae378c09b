"""A drivers.conf of Kwapi, or of its fork for Grid'5000, as tables of sources.

Every section but DEFAULT is a wattmeter; ``probes``, ``probes_names`` and ``parameters`` are
Python literals, and are read as nothing else. What cannot be carried over is told in a comment.

Source: openstack-archive/kwapi @ 402c28f, kwapi/drivers/*.py and etc/kwapi/drivers.conf;
SimonDelamare/kwapi-g5k for ``probes_names``, ``data_type`` and Json_url.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser, Error
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from meterhouse.metering.errors import Mistake
from meterhouse.sources import configure

PRESETS = {  # outlet power by its object, to the make as the snmp source calls it
    "1.3.6.1.4.1.534.6.6.7.6.5.1.3": "eaton",
    "1.3.6.1.4.1.13742.4.1.2.2.1.7": "raritan-px1",
    "1.3.6.1.4.1.318.1.1.26.9.4.3.1.7": "apc",
}
LARGEST = 2**63  # no integer of TOML
VERSIONS = {"1": "1", "v1": "1", "2c": "2c", "v2c": "2c", "3": "3", "v3": "3"}
Table = dict[str, Any]


@dataclass(slots=True)
class Carried:
    """One wattmeter. table: None if there is no source for it; notes: a comment line each."""

    section: str
    table: Table | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Section:
    driver: str
    ids: list[Any]  # what Kwapi's messages and files call the probes
    probes: list[Any]
    parameters: dict[str, Any]

    @property
    def nodes(self) -> list[str | list[str]]:
        """What each outlet feeds, as every wattmeter here takes it; None is left out."""
        return [
            [str(node) for node in entry] if isinstance(entry, (list, tuple)) else str(entry or "")
            for entry in self.probes
        ]


def carried(text: str, file: str) -> list[Carried]:
    """Every wattmeter of a file; BMCs that are asked alike become one source.

    Raises Mistake if it is no such file.
    """
    parser = _parsed(text, file)
    found = list(_named(_joined(_carry(name, parser[name]) for name in parser.sections())))
    for each in found:
        _check(each)
    return found


def _check(each: Carried) -> None:
    """Leave behind what no source would be: what is printed can be applied."""
    if each.table is None:
        return
    if flaw := _flaw(dict(each.table)):
        each.notes.insert(0, f"{flaw}: not carried over")
        each.table = None


def _flaw(table: Table) -> str:
    """Why it is no source; "" if it is one."""
    if not _is_plain(table):
        return "it holds characters or numbers that cannot be written"
    name = table.pop("name")
    try:
        configure(name, table, where="")
    except Mistake as mistake:
        return str(mistake).removeprefix(f": source {name!r}: ")
    return ""


def _is_plain(value: object) -> bool:
    """Whether TOML has it, and every text of it can be printed."""
    match value:
        case str():
            return value.isprintable()
        case bool() | float():
            return True
        case int():
            return abs(value) < LARGEST
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    return False


class Renamed(NamedTuple):
    """old: what Kwapi calls a probe; source, name: what ``carried`` makes of it, mostly."""

    old: str
    source: str
    name: str


def renamed(text: str, file: str) -> list[Renamed]:
    """Every probe of a file. Where several BMCs became one source, that has another name.

    Raises Mistake if it is no such file.
    """
    parser, found = _parsed(text, file), []
    for title in parser.sections():
        with suppress(Mistake, KeyError):  # ``carried`` tells what is wrong with it
            section = _section(parser[title])
            names = ["+".join(one) if isinstance(one, list) else one for one in section.nodes]
            pairs = zip(section.ids, names, strict=False)
            found += [Renamed(str(old), _source_name(title), name) for old, name in pairs if old]
    return found


def _parsed(text: str, file: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(text, file)
    except Error as error:
        raise Mistake(f"{file}: {' '.join(str(error).split())}") from error
    if not parser.sections():
        raise Mistake(f"{file}: there is no wattmeter in it; is it a drivers.conf of Kwapi?")
    return parser


def _carry(name: str, options: Mapping[str, str | None]) -> Carried:
    result = Carried(name)
    try:
        section = _section(options)
        result.table = _TABLES[section.driver.lower()](section, result.notes)
        result.notes += [f"{key} is not carried over" for key in section.parameters]
    except Mistake as mistake:
        result.notes.append(str(mistake))
    except KeyError as missing:
        result.notes.append(f"{missing} is not known here or is missing: not carried over")
    return result


def _section(options: Mapping[str, str | None]) -> _Section:
    kind = _literal("data_type", options.get("data_type") or "{}")
    if isinstance(kind, dict) and kind.get("name", "power") != "power":
        raise Mistake(f"{kind['name']} is no power: not carried over")
    probes = _literal("probes", options.get("probes_names") or options.get("probes") or "[]")
    parameters = _literal("parameters", options.get("parameters") or "{}")
    if not isinstance(probes, list) or not any(probes) or not isinstance(parameters, dict):
        raise Mistake("probes is no list of names, or parameters no dictionary: not carried over")
    ids = _literal("probes", options.get("probes") or "[]")
    ids = ids if isinstance(ids, list) else []
    return _Section(options["driver"] or "", ids, probes, dict(parameters))


def _literal(key: str, text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise Mistake(f"{key} is no Python literal: not carried over") from error


def _dummy(section: _Section, notes: list[str]) -> Table:
    given = section.parameters
    bounds: Table = {key: _whole(given.pop(key)) for key in ("min", "max") if key in given}
    names = ["+".join(node) if isinstance(node, list) else node for node in section.nodes]
    return {"kind": "dummy", "probes": [name for name in names if name], **bounds}


def _whole(said: object) -> object:
    """A whole number where one is meant: Python 2 had '10' and 10.0 for it as well."""
    with suppress(ValueError, OverflowError):
        if isinstance(said, (str, float)) and float(said).is_integer():
            return int(float(said))
    return said


def _ipmi(section: _Section, notes: list[str]) -> Table:
    given = section.parameters
    interface = given.pop("interface", "lanplus")
    if interface != "lanplus":
        notes.append(f"interface {interface}: IPMI 2.0 is spoken instead")
    table = {"kind": "ipmi", "hosts": [given.pop("host")], "probes": section.nodes[:1]}
    table |= {"user": given.pop("username"), "password": given.pop("password")}
    if sensor := given.pop("sensor", ""):
        table |= {"method": "sensors", "sensors": [sensor]}
    return table


def _snmp(section: _Section, notes: list[str]) -> Table:
    given = section.parameters
    said = str(given.pop("protocol"))
    if said not in VERSIONS:
        raise Mistake(f"protocol {said!r} is none: not carried over")
    table = {"kind": "snmp", "host": given.pop("ip"), "version": VERSIONS[said]}
    keys = ("user",) if VERSIONS[said] == "3" else ("community",)
    table |= {key: given.pop(key) for key in keys if key in given}
    oid = str(given.pop("oid")).strip(".")
    if oid in PRESETS:
        table["preset"] = PRESETS[oid]
    else:
        table["power"] = {"oid": f"{oid}.{{n}}"}
        notes.append("check that the rows of this object are numbered from 1")
    return {**table, **_interval(given, notes), "probes": section.nodes}


def _interval(given: dict[str, Any], notes: list[str]) -> Table:
    """Grid'5000's ``resolution``: seconds from one round to the next; 1 if it is not given."""
    seconds = given.pop("resolution", 1)
    if isinstance(seconds, (int, float)) and 0 < seconds <= 86400:
        return {} if seconds == 1 else {"interval": seconds}
    notes.append(f"resolution {seconds!r} is no number of seconds: it is read each second")
    return {}


def _wattsup(section: _Section, notes: list[str]) -> Table:
    device = section.parameters.pop("device")
    return {"kind": "wattsup", "device": device, "probes": section.nodes[:1]}


def _json_url(section: _Section, notes: list[str]) -> Table:
    names = [name for name in section.nodes if isinstance(name, str) and name]
    channels = [name.rpartition(".")[2] for name in names]
    notes.append("check that the channels are the names in its document")
    urls = [section.parameters.pop("url")]
    return {"kind": "http", "model": "kwapi", "urls": urls, "channels": channels, "probes": names}


_TABLES = {
    "dummy": _dummy,
    "dummywatts": _dummy,
    "ipmi": _ipmi,
    "snmp": _snmp,
    "wattsup": _wattsup,
    "json_url": _json_url,
}


def _joined(found: Iterable[Carried]) -> Iterator[Carried]:
    """One source for all BMCs that are asked alike: one process a round instead of one each."""
    alike: dict[str, Carried] = {}
    for each in found:
        table = each.table
        if table is None or table["kind"] != "ipmi":
            yield each
            continue
        key = repr(sorted((k, v) for k, v in table.items() if k not in {"hosts", "probes"}))
        first = alike.setdefault(key, each)
        if first.table is None or first is each or table["hosts"][0] in first.table["hosts"]:
            yield each
        else:
            first.table["hosts"] += table["hosts"]
            first.table["probes"] += table["probes"]
            first.notes += [f"with [{each.section}]", *each.notes]


def _named(found: Iterable[Carried]) -> Iterator[Carried]:
    """Each table with a name that a source may have, no two alike."""
    taken: set[str] = set()
    for each in found:
        if each.table is not None:
            name, number = _source_name(each.section), 2
            while (unique := name) in taken:
                name, number = f"{unique.rstrip('0123456789').rstrip('-')}-{number}", number + 1
            taken.add(unique)
            each.table = {"name": unique, **each.table}
        yield each


def _source_name(section: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", section).strip("-._").lower() or "meter"


def secrets_of(table: Table) -> dict[str, str]:
    """Take a table's secrets out: file name to text; the table names the files instead."""
    taken = {}
    for key in ("password", "community"):
        if key in table and table[key] != "public":  # everybody's community
            file = f"{table['name']}.{key}"
            taken[file], table[key] = str(table[key]), {"file": file}
    return taken
