from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import Secret
from meterhouse.sources import Named, Source, configure, kind, kinds
from meterhouse.sources.configuration import decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    resource: str
    number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    host: str
    password: Secret = field(default_factory=lambda: Secret(""))
    outlets: tuple[Outlet, ...] = ()
    spare: Outlet | None = None
    named: dict[str, Outlet] | None = None

    def __post_init__(self) -> None:
        if " " in self.host:
            raise ValueError("a host has no spaces")


def test_a_folder_is_a_kind_of_source_and_has_its_name() -> None:
    names = [found.name for found in kinds()]
    assert "host" in names
    assert names == sorted(names)
    assert all(kind(name).name == name for name in names)


def test_an_unknown_kind_is_a_mistake_that_names_what_there_is() -> None:
    with pytest.raises(Mistake, match="did you mean 'host'"):
        kind("hosts")
    with pytest.raises(Mistake, match=r"there are: .*host"):
        kind("zzz")


def test_a_table_becomes_a_source_with_the_kinds_own_timing() -> None:
    made = configure("here", {"kind": "host", "project": "machines"}, where="my.toml")
    assert (made.name, made.kind.name, made.enabled) == ("here", "host", True)
    assert (made.interval, made.timeout) == (made.kind.interval, made.kind.timeout)
    assert made.config.project == "machines"
    assert made == configure("here", {"kind": "host", "project": "machines"}, where="other.toml")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("1.5s", timedelta(seconds=1.5)),
        ("15m", timedelta(minutes=15)),
        ("2 h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        (30, timedelta(seconds=30)),
        (0.5, timedelta(milliseconds=500)),
    ],
)
def test_timing_may_be_set(written: object, meant: timedelta) -> None:
    made = configure("here", {"kind": "host", "interval": written, "timeout": written}, where="-")
    assert made.interval == made.timeout == meant


def test_a_reading_stands_for_three_intervals_and_at_least_ten_seconds(clock: FixedClock) -> None:
    made = configure("here", {"kind": "host", "interval": "1m"}, where="-")
    assert made.named(clock).hold_ms == 180_000
    assert replace(made, interval=timedelta(seconds=1)).named(clock).hold_ms == 10_000


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("here", {}, "key 'kind' is missing; there are: "),
        ("here", {"kind": 3}, "key 'kind' is missing"),
        ("here", {"kind": "hst"}, "no kind of source is called 'hst'; did you mean 'host'?"),
        ("here", {"kind": "host", "projct": "x"}, "'projct' is not known; did you mean 'project'"),
        ("here", {"kind": "host", "intervall": 1}, "not known; did you mean 'interval'"),
        ("here", {"kind": "host", "project": 3}, "key 'project': Expected 'str', got 'int'"),
        ("here", {"kind": "host", "interval": "5 parsecs"}, "key 'interval': '5 parsecs' is no"),
        ("here", {"kind": "host", "interval": -1}, "key 'interval': -1 is no duration"),
        ("here", {"kind": "host", "interval": True}, "key 'interval': True is no duration"),
        ("here", {"kind": "host", "interval": 0}, "key 'interval': must be more than zero"),
        ("here", {"kind": "host", "timeout": 0}, "key 'timeout': must be more than zero"),
        ("here", {"kind": "host", "enabled": "no"}, "key 'enabled': expected true or false"),
        ("a/b", {"kind": "host"}, "a name is made of"),
        ("", {"kind": "host"}, "a name is made of"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_table_and_key(
    name: str, table: dict[str, object], said: str
) -> None:
    with pytest.raises(Mistake) as caught:
        configure(name, table, where="my.toml")
    assert str(caught.value).startswith(f"my.toml: source {name!r}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "missing key 'host'"),
        ({"host": "a b"}, "a host has no spaces"),
        ({"host": "pdu", "outlets": [{"resource": "n1", "numbr": 2}]}, "did you mean 'number'"),
        ({"host": "pdu", "spare": {"resource": "n1", "numbr": 2}}, "'spare.numbr'"),
        ({"host": "pdu", "named": {"a": {"resource": "n1", "numbr": 2}}}, "'named.a.numbr'"),
        ({"host": "pdu", "outlets": [{"resource": 1}]}, "key 'outlets[0].resource'"),
        ({"host": "pdu", "password": 1234567}, "key 'password': expected secret"),
    ],
)
def test_a_mistake_inside_the_kinds_own_table_names_its_key(
    table: dict[str, object], said: str
) -> None:
    with pytest.raises(Mistake) as caught:
        decode(table, Strip)
    assert said in str(caught.value)
    assert "1234567" not in str(caught.value)


def test_what_is_right_is_decoded_with_its_secret_hidden() -> None:
    strip = decode(
        {
            "host": "pdu",
            "password": "hunter2",
            "outlets": [{"resource": "n1"}, {"resource": "n2", "number": 2}],
        },
        Strip,
    )
    assert strip.outlets == (Outlet(resource="n1"), Outlet(resource="n2", number=2))
    assert strip.password.reveal() == "hunter2"
    assert "hunter2" not in repr(strip)


async def test_a_configured_source_opens_with_its_configuration(clock: FixedClock) -> None:
    told = []

    @asynccontextmanager
    async def opening(config: object, named: Named) -> AsyncIterator[Source]:
        told.append((config, named.name, named.clock))
        yield None  # type: ignore[misc]

    made = configure("here", {"kind": "host"}, where="-")
    made = replace(made, kind=replace(made.kind, open=opening))
    async with made.open(clock):
        assert told == [(made.config, "here", clock)]


def test_a_source_has_a_limit_for_all_its_probes_and_for_single_ones() -> None:
    table = {"kind": "dummy", "probes": 2, "limit": 2000, "limits": {"1": 500.5}}
    limits = configure("rack", table, where="estate.toml").limits
    assert [limits.of(probe) for probe in ("1", "2")] == [500.5, 2000.0]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("limit", 0, "key 'limit': 0 is no limit in watts"),
        ("limit", "2 kW", "key 'limit': '2 kW' is no limit in watts"),
        ("limit", True, "key 'limit': True is no limit in watts"),
        ("limit", float("inf"), "key 'limit': inf is no limit in watts"),
        ("limits", 500, "key 'limits': expected a table of watts by probe"),
        ("limits", {"1": -5}, "key 'limits.1': -5 is no limit in watts"),
    ],
)
def test_a_limit_that_is_none_is_a_mistake(key: str, value: object, said: str) -> None:
    with pytest.raises(Mistake, match=said):
        configure("rack", {"kind": "dummy", "probes": 2, key: value}, where="estate.toml")
