from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms, to_ms
from meterhouse.metering.snapshots import Project, Resource, Snapshot, State, User
from meterhouse.sources import Reading, configure
from meterhouse.sources.simulator import people
from meterhouse.sources.simulator.cloud import Cloud
from meterhouse.sources.simulator.history import OUTAGE_BEGINS_MS, OUTAGE_MS
from meterhouse.sources.simulator.meters import METERED
from meterhouse.sources.simulator.nodes import NODES
from meterhouse.sources.simulator.rhythm import (
    DAY_MS,
    HOUR_MS,
    busy,
    busy_until,
    drift,
    drift_since,
    noise,
)
from meterhouse.sources.simulator.source import Config, past
from meterhouse.sources.simulator.wiring import (
    BMCS,
    CHASSIS,
    COOLING,
    COUNTING,
    OUTLETS,
    PDUS,
    SWITCH,
    TWO_SUPPLIES,
    UNMETERED,
)

END = datetime(2026, 5, 1, 12, 20, tzinfo=UTC)
START = END - timedelta(days=30)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def month() -> Sequence[Reading]:
    return list(past(Config(), "simulated", START, END, MINUTE))


def listed(readings: Iterable[Reading], kind: str) -> list[Snapshot]:
    return [each for reading in readings for each in reading.snapshots if each.kind == kind]


def readings_of(
    readings: Iterable[Reading], meter: str
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """When a meter was read, and of each resource by its name what was."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    at: dict[str, list[NDArray[np.int64]]] = {}
    for reading in readings:
        samples = reading.samples
        for key, series in enumerate(samples.series):
            if series.meter == meter:
                name = series.resource.partition("/")[2]
                mine = samples.key == key
                found.setdefault(name, []).append(samples.value[mine])
                at.setdefault(name, []).append(samples.at[mine])
    moments = [np.concatenate(each) for each in at.values()]
    assert all(np.array_equal(each, moments[0]) for each in moments)
    return moments[0], {name: np.concatenate(each) for name, each in found.items()}


def draws(cloud: Cloud, at: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """What each node draws, by its name."""
    return dict(zip((node.name for node in NODES), cloud.drawn(at), strict=True))


def instances(readings: Iterable[Reading]) -> list[Resource]:
    found = [each for snapshot in listed(readings, "instance") for each in snapshot.objects]
    return [each for each in found if isinstance(each, Resource)]


def test_the_cloud_has_people_who_pay_belong_and_work() -> None:
    institutions, projects, users = Cloud(1, "simulated").organization(to_ms(END))
    assert (len(institutions.objects), len(users.objects)) == (6, 40)
    assert 24 <= len(projects.objects) <= 30
    known = {each.id for each in projects.objects if isinstance(each, Project)}
    for project in projects.objects:
        assert isinstance(project, Project)
        assert project.parent in known | {""}
        assert set(project.shares) <= {each.id for each in people.INSTITUTIONS}
        assert project.parent or project.shares
    for user in users.objects:
        assert isinstance(user, User)
        assert set(user.projects) <= known
        assert user.email.endswith("@example.edu")


def test_the_tree_has_three_levels_and_some_projects_are_shared() -> None:
    deep = [each for each in people.TREE if people.PARENTS.get(each.parent)]
    assert deep
    assert not any(people.PARENTS[people.PARENTS[each.parent]] for each in deep)
    shared = [each.id for each in people.projects(to_ms(END)) if len(each.shares) > 1]
    assert len(shared) >= 3


def test_about_a_hundred_and_fifty_instances_are_alive_at_a_time(month: Sequence[Reading]) -> None:
    alive = [len(each.objects) for each in listed(month, "instance")]
    assert min(alive) > 110
    assert max(alive) < 190
    assert 135 < sum(alive) / len(alive) < 165


def test_everything_happens_to_instances_that_can(month: Sequence[Reading]) -> None:
    seen: dict[str, list[Resource]] = {}
    for each in instances(month):
        seen.setdefault(each.id, []).append(each)
    assert {State.RUNNING, State.STOPPED, State.SHELVED} <= {
        each.state for each in instances(month)
    }
    changed: Counter[str] = Counter()
    for history in seen.values():
        changed["resized"] += len({each.vcpus for each in history}) > 1
        changed["moved"] += len({each.project for each in history}) > 1
        changed["handed on"] += len({each.user for each in history}) > 1
        changed["born"] += history[0].since_ms > to_ms(START)
        changed["kept"] += len(history) >= len(listed(month, "instance"))
    assert all(changed[what] > 3 for what in ("resized", "moved", "handed on", "born", "kept"))


def test_whoever_owns_an_instance_is_in_its_project(month: Sequence[Reading]) -> None:
    users = Cloud(1, "simulated").organization(to_ms(END))[2].objects
    within = {each.id: each.projects for each in users if isinstance(each, User)}
    assert all(each.project in within[each.user] for each in instances(month))


def test_history_is_sampled_each_minute_but_for_one_outage(month: Sequence[Reading]) -> None:
    samples = [reading.samples for reading in month]
    at = np.concatenate(
        [
            part.at[[part.series[key].resource == "simulated/pdu-a" for key in part.key]]
            for part in samples
        ]
    )
    gaps = np.diff(at)
    assert sorted(set(gaps)) == [60_000, OUTAGE_MS + 60_000]
    assert list(gaps).count(OUTAGE_MS + 60_000) == 1
    hours = np.diff([each.at_ms for each in listed(month, "instance")])
    assert sorted(set(hours)) == [HOUR_MS, 6 * HOUR_MS]


@given(st.integers(0, 27), st.integers(0, 23))
def test_any_thirty_days_have_an_outage_and_a_change_of_shares(day: int, hour: int) -> None:
    start = to_ms(END) + day * DAY_MS + hour * HOUR_MS
    end = start + 30 * DAY_MS
    outage = OUTAGE_BEGINS_MS + -(-(start - OUTAGE_BEGINS_MS) // people.CYCLE_MS) * people.CYCLE_MS
    assert start <= outage < end
    assert people.turn(end - 1) > people.turn(start)


def test_shares_change_once_and_are_listed_when_they_do(month: Sequence[Reading]) -> None:
    shares: list[tuple[datetime, Mapping[str, int]]] = []
    for snapshot in listed(month, "project"):
        genomics = next(each for each in snapshot.objects if each.id == "genomics")
        assert isinstance(genomics, Project)
        if not shares or shares[-1][1] != genomics.shares:
            shares.append((from_ms(snapshot.at_ms), genomics.shares))
    changes = [at for at, _ in shares[1:]]
    assert changes == [datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)]


def test_history_in_pieces_is_the_same_history(month: Sequence[Reading]) -> None:
    cut = START + timedelta(days=11, hours=5, minutes=17)
    pieces = [
        reading
        for start, end in ((START, cut), (cut, END))
        for reading in past(Config(), "simulated", start, end, MINUTE)
    ]
    for name in ("at", "value"):
        whole = np.sort(np.concatenate([getattr(each.samples, name) for each in month]))
        parts = np.sort(np.concatenate([getattr(each.samples, name) for each in pieces]))
        assert np.array_equal(whole, parts)
    assert listed(pieces, "instance") == listed(month, "instance")


async def test_the_present_continues_history_whenever_it_is_opened(
    month: Sequence[Reading],
) -> None:
    last = listed(month, "instance")[-1]
    clock = FixedClock(from_ms(last.at_ms))
    simulated = configure("simulated", {"kind": "simulator"}, where="-")
    readings = []
    for _ in range(2):
        async with simulated.open(clock) as source:
            readings.append(await source.read())
    first, again = readings
    assert first.snapshots == again.snapshots
    assert last in first.snapshots
    assert np.array_equal(first.samples.value, again.samples.value)
    past_samples = month[-1].samples
    then = past_samples.at == last.at_ms
    before = {
        past_samples.series[key]: value
        for key, value in zip(past_samples.key[then], past_samples.value[then], strict=True)
    }
    now = {
        first.samples.series[key]: value
        for key, value in zip(first.samples.key, first.samples.value, strict=True)
    }
    assert now == before


async def test_power_is_read_each_time_and_the_lists_each_minute(clock: FixedClock) -> None:
    simulated = configure("simulated", {"kind": "simulator"}, where="-")
    async with simulated.open(clock) as source:
        kinds = [each.kind for each in (await source.read()).snapshots]
        clock.move(timedelta(seconds=59))
        second = await source.read()
        clock.move(timedelta(seconds=1))
        third = await source.read()
    assert kinds == ["institution", "project", "user", "node", "outlet", "inlet", "instance"]
    assert (len(second.samples), second.snapshots) == (len(METERED) + 1, ())
    assert len(third.snapshots) == 7


def test_another_seed_is_another_cloud() -> None:
    at = to_ms(END)
    ids = [
        {each.id for each in instances([Reading(snapshots=Cloud(seed, "simulated").machines(at))])}
        for seed in (1, 2)
    ]
    assert not ids[0] & ids[1]


def test_power_follows_the_day_and_the_week_and_stays_plausible(month: Sequence[Reading]) -> None:
    at, watts = readings_of(month, "power")
    assert min(each.min() for each in watts.values()) > 40
    assert max(each.max() for each in watts.values()) < 2000
    hour = at % DAY_MS // HOUR_MS
    for pdu in PDUS:
        assert watts[pdu][hour == 15].mean() > watts[pdu][hour == 3].mean() + 50


def test_supplies_share_what_their_node_draws_and_pdus_take_in_more_than_they_give(
    month: Sequence[Reading],
) -> None:
    at, watts = readings_of(month[-2:-1], "power")
    cloud = Cloud(1, "simulated")
    drawn = draws(cloud, at)
    for node in TWO_SUPPLIES:
        both = watts[f"{node}-a"] + watts[f"{node}-b"]
        assert both == pytest.approx(drawn[node])
        assert abs(watts[f"{node}-a"] / both - 0.5).max() < 0.05
    assert watts["chassis-1"] == pytest.approx(sum(drawn[node] for node in CHASSIS))
    for pdu in PDUS:
        given = sum(watts[each.name] for each in OUTLETS if each.pdu == pdu)
        assert (watts[pdu] > given + 5).all()
        assert (watts[pdu] < given * 1.03).all()


def test_the_cooling_works_as_hard_as_the_nodes_do(month: Sequence[Reading]) -> None:
    at, watts = readings_of(month[-2:-1], "power")
    heat = np.sum(list(draws(Cloud(1, "simulated"), at).values()), axis=0)
    assert np.corrcoef(watts[COOLING], heat)[0, 1] > 0.95


def test_all_nodes_but_one_are_metered_and_everything_else_is_overhead() -> None:
    nodes, outlets, inlets, _ = Cloud(1, "simulated").machines(to_ms(END))
    fed = {name for each in OUTLETS for name in each.feeds}
    there = {each.name for each in nodes.objects}
    assert there - fed - set(BMCS) == {UNMETERED}
    assert fed - there == {SWITCH, COOLING}
    said = {
        each.name: each.details["metered"] for each in nodes.objects if isinstance(each, Resource)
    }
    assert said["node-01"] == "pdu-a socket 1 and pdu-b socket 1"
    assert said["node-08"] == "pdu-b socket 7 and its BMC"
    assert said[UNMETERED] == "nowhere: it is on a wall socket"
    assert len({(each.pdu, each.socket) for each in OUTLETS}) == len(outlets.objects)
    assert [each.name for each in inlets.objects] == list(PDUS)
    owner = {each.name: each.project for each in outlets.objects if isinstance(each, Resource)}
    assert owner["chassis-1"] == "genomics"
    assert owner[COOLING] == owner[SWITCH] == owner["node-01-a"] == "infrastructure"


def test_the_energy_counter_grows_as_its_power_would_have_it_and_begins_anew_once(
    month: Sequence[Reading],
) -> None:
    at, joules = readings_of(month, "energy")
    _, watts = readings_of(month, "power")
    step_s = np.diff(at) / 1000
    grown = np.diff(joules[COUNTING])
    falls = np.flatnonzero(grown < 0)
    assert [from_ms(int(at[place + 1])).date().isoformat() for place in falls] == ["2026-04-07"]
    mean = (watts[COUNTING][1:] + watts[COUNTING][:-1]) / 2
    usual = (grown >= 0) & (step_s == 60)
    apart = abs(grown[usual] / step_s[usual] - mean[usual])
    assert np.quantile(apart, 0.999) < 3  # in the other minutes an instance starts or stops
    assert grown[usual].sum() == pytest.approx((mean * step_s)[usual].sum(), rel=1e-4)


def test_wandering_is_integrated_exactly() -> None:
    start = to_ms(START) // DAY_MS * DAY_MS
    at = start + np.arange(0, 4 * HOUR_MS, 1000, dtype=np.int64)
    by_sum = np.concatenate([[0], np.cumsum(drift(7, at + 500))])[:-1]
    assert drift_since(7, start, at) == pytest.approx(by_sum, abs=1e-6)


def test_cpu_time_never_shrinks(month: Sequence[Reading]) -> None:
    last: dict[str, float] = {}
    for reading in month:
        samples = reading.samples
        for key, value in zip(samples.key, samples.value, strict=True):
            series = samples.series[key]
            if series.meter == "cpu.time":
                assert value >= last.get(series.resource, 0.0)
                last[series.resource] = value
    assert len(last) > 500


def test_work_is_the_integral_of_being_busy() -> None:
    at = np.arange(to_ms(START), to_ms(END), 60_000, dtype=np.int64)
    by_sum = np.cumsum(busy(at + 30_000)) * 60
    by_formula = busy_until(at + 60_000) - busy_until(at[:1])
    assert by_formula == pytest.approx(by_sum, rel=1e-6)
    assert 0.12 < busy(at).min() < busy(at).max() < 0.64


def test_chance_is_even_without_memory_and_wanders_without_jumps() -> None:
    at = np.arange(to_ms(START), to_ms(START) + 100_000, dtype=np.int64)
    found = noise(3, at)
    assert abs(found.mean()) < 0.02
    assert found.std() == pytest.approx(1 / np.sqrt(3), rel=0.02)
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.02
    assert not np.array_equal(found, noise(4, at))
    assert abs(np.diff(drift(3, at))).max() < 0.001


def test_a_day_is_asked_for_one_day_only() -> None:
    two_days = np.array([to_ms(START), to_ms(START) + DAY_MS], np.int64)
    with pytest.raises(ValueError, match="next day"):
        Cloud(1, "simulated").power(two_days)


@pytest.mark.parametrize("table", [{"seed": -1}, {"list_every_s": 0}])
def test_a_cloud_that_cannot_be_is_a_mistake(table: dict[str, object]) -> None:
    with pytest.raises(Mistake, match="seed from 0"):
        configure("simulated", {"kind": "simulator", **table}, where="-")
