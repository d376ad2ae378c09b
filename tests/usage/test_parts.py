"""Who drew how much of a node hangs neither on prices nor on how a period is cut.

Against an oracle that knows only intervals: at every moment the node's power goes to the vCPUs
that are there, of the node's or of those there, whichever are more.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.inventory.cast import GIB, T0, instance, snapshot

from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.keep import keep
from meterhouse.inventory.plan import apply
from meterhouse.inventory.scope import Scope
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period, from_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.snapshots import Project, Resource
from meterhouse.store import sealing
from meterhouse.store.recorder import Recorder
from meterhouse.usage.report import Axis, Report
from meterhouse.usage.statement import statement

pytestmark = pytest.mark.django_db
LAWS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HOUR = 3_600_000
SPAN = 3 * HOUR
HOLD = 120_000
VCPUS = 8
NAMES = ("a", "b", "c")

moments = st.integers(1, SPAN - 1)
powers = st.dictionaries(st.integers(0, SPAN - 1), st.integers(0, 3000), min_size=1, max_size=40)
guests = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(["x", "y"]), st.sampled_from([1, 4, 8]))
)
lists = st.dictionaries(moments, guests, max_size=6)


@dataclass(frozen=True)
class History:
    """Moments after T0 to the node's watts, and to who is on it: of which project, how large."""

    power: dict[int, int]
    guests: dict[int, dict[str, tuple[str, int]]]


histories = st.builds(History, powers, lists)


@contextmanager
def house(of: History, sealed_ms: int | None = None) -> Iterator[None]:
    """A node on an outlet; afterwards nothing of it is left."""
    with transaction.atomic():
        projects = [Project(id=key, name=key.upper()) for key in ("x", "y")]
        node = Resource(id="room/n1", kind="node", name="n1", vcpus=VCPUS, ram_bytes=GIB)
        outlet = Resource(id="room/p1", kind="outlet", name="p1", details={"feeds": "n1"})
        keep([snapshot("project", T0, projects), snapshot("instance", T0, [])])
        keep([snapshot("node", T0, [node], source="room")])
        keep([snapshot("outlet", T0, [outlet], source="room")])
        for at, there in sorted(of.guests.items()):
            keep([snapshot("instance", T0 + at, [guest(*each) for each in there.items()])])
        clock = FixedClock(from_ms(T0 + SPAN) + timedelta(days=2))
        samples = [Sample(POWER, "room/p1", float(w), T0 + at) for at, w in of.power.items()]
        columns = Columns.of(samples, hold_ms=HOLD)
        batch = Batch(publisher="alice", epoch=1, sequence=1, sent_ms=T0, samples=columns)
        Recorder(lambda snapshots: None, clock=clock).record(batch)
        if sealed_ms is not None:
            sealing.seal(sealed_ms)
        yield
        transaction.set_rollback(True)


def guest(name: str, what: tuple[str, int]) -> Resource:
    return instance(name, project=what[0], vcpus=what[1], details={"node": "n1"})


def ask(start: int = 0, end: int = SPAN, by: Axis = Axis.PROJECT) -> Report:
    period = Period.from_ms(T0 + start, T0 + end)
    now = from_ms(T0 + 10 * SPAN)
    return statement(period, by=by, scope=Scope.all(), now=now, using="default")


Drawn = dict[tuple[str, str, str], int]


def drawn(report: Report) -> Drawn:
    """Millijoules of every line: its key, its project and its kind."""
    found: Drawn = defaultdict(int)
    for row in report.rows:
        found[row.key, row.project, row.kind] += row.own.millijoules
    return found


def plainly(of: History, start: int, end: int) -> dict[str, float]:
    """Millijoules by project, "" for what nobody has, from one change to the next."""
    found: dict[str, float] = defaultdict(float)
    taken = sorted(of.power)
    ends = [*taken[1:], 10 * SPAN]
    changes = {*taken, *of.guests, *(at + HOLD for at in taken)}
    for low, high in pairwise(sorted({start, end, *(m for m in changes if start < m < end)})):
        watts = next(
            (
                of.power[at]
                for at, following in zip(taken, ends, strict=True)
                if at <= low < min(at + HOLD, following)
            ),
            0,
        )
        there = of.guests[max(at for at in of.guests if at <= low)] if earlier(of, low) else {}
        sizes = sum(vcpus for _, vcpus in there.values())
        for project, vcpus in there.values():
            found[project] += watts * (high - low) * vcpus / max(VCPUS, sizes)
        found[""] += watts * (high - low) * (1 - sizes / max(VCPUS, sizes))
    return found


def earlier(of: History, moment: int) -> bool:
    return any(at <= moment for at in of.guests)


@LAWS
@given(histories, moments, st.sampled_from([None, T0 + 2 * SPAN]))
def test_at_every_moment_power_goes_to_who_is_there(
    of: History, cut: int, sealed_ms: int | None
) -> None:
    with house(of, sealed_ms):
        for start, end in ((0, SPAN), (0, cut), (cut, SPAN)):
            report, want = ask(start, end), plainly(of, start, end)
            for row in report.rows:
                key = "" if row.key == "unassigned" else row.name.lower()
                assert row.own.millijoules == pytest.approx(want[key], abs=10)
            assert report.total.millijoules == pytest.approx(sum(want.values()), abs=1)


@LAWS
@example(History({0: 0}, {1: {"a": ("x", 1)}, 31: {}}), {31})
@given(histories, st.sets(moments, max_size=3))
def test_parts_of_a_period_sum_to_the_whole(of: History, cuts: set[int]) -> None:
    """To a millijoule for each line and part, as each is rounded once."""
    edges = [0, *sorted(cuts), SPAN]
    with house(of):
        whole, several = (
            ask(by=Axis.RESOURCE),
            [ask(*each, Axis.RESOURCE) for each in pairwise(edges)],
        )
        parts: Drawn = defaultdict(int)
        for report in several:
            for key, millijoules in drawn(report).items():
                parts[key] += millijoules
        for key, millijoules in drawn(whole).items():
            pieces = len(edges) + 2 * len(of.guests)
            assert abs(parts[key] - millijoules) <= pieces
        total = sum(report.total.millijoules for report in several)
        assert abs(total - whole.total.millijoules) <= len(edges)
        assert sum(r.total.measured_ms for r in several) == pytest.approx(
            whole.total.measured_ms, abs=(len(edges) + 2 * len(of.guests)) * 4
        )


@LAWS
@given(histories, moments, st.sampled_from(["prices", "carbon"]))
def test_a_price_moves_no_millijoule_and_no_second(of: History, at: int, what: str) -> None:
    since = f"{from_ms(T0 + at):%Y-%m-%dT%H:%M:%S.%fZ}"
    term = {
        "prices": "per_kwh = 0.50\ncurrency = 'SEK'",
        "carbon": "g_per_kwh = 30\nsource = 'grid'",
    }[what]
    with house(of):
        before = [(drawn(ask(by=by)), ask(by=by).total) for by in Axis]
        declared = parse_text(f"[[{what}]]\n{term}\nfrom = {since}\n", "p.toml")
        apply(declared, now=from_ms(T0))
        for (lines, total), by in zip(before, Axis, strict=True):
            after = ask(by=by)
            assert drawn(after) == lines
            assert after.total.server_seconds == total.server_seconds
            assert after.total.vcpu_seconds == total.vcpu_seconds
        priced = ask().total
        since_then = sum(plainly(of, at, SPAN).values())
        amount = priced.priced_mj if what == "prices" else priced.factored_mj
        assert amount == pytest.approx(since_then, abs=20)


def test_who_comes_at_half_past_gets_nothing_of_what_was_drawn_before() -> None:
    """0.5 kW until half past, then 1.5 kW; a has 2 of 8 vCPUs all the time, b 4 of them then."""
    half = HOUR // 2
    power = {at: 500 if at < half else 1500 for at in range(0, HOUR, HOLD // 2)}
    mine, both = {"a": ("x", 2)}, {"a": ("x", 2), "b": ("y", 4)}
    with house(History(power, {1: mine, half: both})):
        kwh = {key: mj / 3.6e9 for key, mj in drawn(ask(1, HOUR, Axis.RESOURCE)).items()}
        assert kwh["cloud/a", "x", "instance"] == pytest.approx(0.25, abs=1e-6)
        assert kwh["cloud/b", "y", "instance"] == pytest.approx(0.375, abs=1e-6)
