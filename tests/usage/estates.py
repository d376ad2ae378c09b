"""Estates to compute statements from: the cast's, and random ones."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from meterhouse.inventory.facts import FOREVER, CarbonRow, PriceRow, RevisionRow, ShareRow
from meterhouse.inventory.scope import Scope
from meterhouse.metering.periods import Period, from_ms
from meterhouse.metering.snapshots import State
from meterhouse.usage.energy import Energy
from meterhouse.usage.estate import Estate, Measure
from meterhouse.usage.gaps import Gap
from meterhouse.usage.ledger import Named, Names
from meterhouse.usage.question import Question
from meterhouse.usage.report import Axis, Report
from meterhouse.usage.statement import answer
from meterhouse.usage.stretches import Stretches
from meterhouse.usage.tariff import Tariff

T0 = 1_777_636_800_000
"""2026-05-01 12:00 UTC in milliseconds."""

HOUR = 3_600_000
GIB = 2**30
DAY = Period.from_ms(T0, T0 + 24 * HOUR)
LATER = from_ms(T0 + 10_000 * HOUR)
ALL = Scope.all()

OSL, NSF = 1, 2
DEBIAN, CD, WEEKLY, MOON = 11, 12, 13, 14
ALICE, BOB, CAROL = 21, 22, 23

NAMES = Names(
    institutions={OSL: Named("osl", "Open Source Lab"), NSF: Named("nsf", "NSF")},
    projects={
        DEBIAN: Named("debian", "Debian"),
        CD: Named("debian/cd", "CD"),
        WEEKLY: Named("debian/cd/weekly", "Weekly"),
        MOON: Named("moon", "Moon"),
    },
    parents={DEBIAN: None, CD: DEBIAN, WEEKLY: CD, MOON: None},
    users={
        ALICE: Named("alice", "Alice"),
        BOB: Named("bob", "Bob"),
        CAROL: Named("carol", "Carol"),
    },
    resources={"cloud/mirror": "mirror", "cloud/builder": "builder", "cloud/rocket": "rocket"},
)


def revision(
    resource: str, project: int | None, hours: tuple[float, float], **values: object
) -> RevisionRow:
    """What existed from so many hours after T0 until so many: 2 vCPUs, 4 GiB, 20 GiB."""
    row = RevisionRow(
        resource_id=0,
        resource_key=f"cloud/{resource}",
        kind="instance",
        project_id=project,
        user_id=None,
        state=State.RUNNING,
        vcpus=2,
        ram_bytes=4 * GIB,
        disk_bytes=20 * GIB,
        start_ms=T0 + int(hours[0] * HOUR),
        end_ms=T0 + int(hours[1] * HOUR),
        source="cloud",
    )
    return row._replace(**values)  # type: ignore[arg-type]


def share(project: int, institution: int, weight: int, *hours: float) -> ShareRow:
    """From so many hours after T0 until so many; always, if none are given."""
    start, end = (T0 + int(hour * HOUR) for hour in hours) if hours else (0, FOREVER)
    return ShareRow(project, institution, weight, start, end)


def gap(*hours: float, source: str = "cloud", kind: str = "instance") -> Gap:
    start, end = (T0 + int(hour * HOUR) for hour in hours)
    return Gap(source, kind, Period.from_ms(start, end))


def watts(readings: dict[str, float]) -> Measure:
    """Resources that draw so much all the time, measured all the time."""

    def measure(of: Stretches) -> Energy:
        power = np.array([readings.get(key, 0) for key in of.resources], float)[of.resource]
        known = np.array([key in readings for key in of.resources], bool)[of.resource]
        length = of.end_ms - of.start_ms
        return Energy(np.rint(power * length).astype(np.int64), np.where(known, length, 0))

    return measure


MIRROR = revision("mirror", DEBIAN, (0, 24), user_id=ALICE)
BUILDER = revision("builder", CD, (0, 12), user_id=BOB, vcpus=8)
ROCKET = revision("rocket", MOON, (6, 12), user_id=CAROL)
CAST = Estate(
    stretches=Stretches.of([[MIRROR, BUILDER, ROCKET]]),
    names=NAMES,
    shares=[share(DEBIAN, OSL, 3), share(DEBIAN, NSF, 1), share(MOON, NSF, 1)],
    measure=watts({"cloud/mirror": 100.0}),
)
"""Alice's mirror in Debian, Bob's builder below it, Carol's rocket elsewhere."""


def estate(*rows: RevisionRow, **values: object) -> Estate:
    return replace(CAST, stretches=Stretches.of([rows]), **values)  # type: ignore[arg-type]


def ask(by: Axis, of: Estate = CAST, *, period: Period = DAY, **values: object) -> Report:
    question = Question(period=period, by=by, scope=ALL, now=LATER)
    return answer(replace(question, **values), clipped(of, period))  # type: ignore[arg-type]


def clipped(of: Estate, period: Period) -> Estate:
    """The part of an estate that lies in a period, as loading gives it."""
    start = np.maximum(of.stretches.start_ms, period.start_ms)
    end = np.minimum(of.stretches.end_ms, period.end_ms)
    inside = replace(of.stretches, start_ms=start, end_ms=end).take(start < end)
    parts = (each.period.clip(period.start, period.end) for each in of.gaps)
    gaps = [replace(each, period=part) for each, part in zip(of.gaps, parts, strict=True) if part]
    return replace(of, stretches=inside, gaps=gaps)


KINDS = ("instance", "volume", "node", "machine")
"""Of the random resources r1 to r4."""


@st.composite
def trees(draw: st.DrawFn) -> dict[int, int | None]:
    count = draw(st.integers(1, 6))
    return {
        number: draw(st.sampled_from([None, *range(1, number)])) for number in range(1, count + 1)
    }


WEIGHTS = st.one_of(st.integers(1, 5), st.integers(1, 10**9))
MOMENTS = st.integers(0, 100_000)
SPANS = st.tuples(MOMENTS, MOMENTS).filter(lambda pair: pair[0] < pair[1])


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """Any tree, shares, gaps and revisions, within 100 s after T0."""
    parents = draw(trees())
    shares = draw(
        st.lists(
            st.tuples(st.sampled_from(sorted(parents)), st.integers(1, 3), WEIGHTS, SPANS),
            max_size=8,
        )
    )
    return Estate(
        stretches=Stretches.of([draw(st.lists(revisions(parents), max_size=8))]),
        names=Names(
            institutions={each: Named(f"i{each}", f"I {each}") for each in (1, 2, 3)},
            projects={each: Named(f"p{each}", f"P {each}") for each in parents},
            parents=parents,
            users={each: Named(f"u{each}", f"U {each}") for each in (1, 2)},
        ),
        shares=[ShareRow(p, i, w, T0 + a, T0 + b) for p, i, w, (a, b) in shares],
        gaps=[
            Gap("cloud", "instance", Period.from_ms(T0 + a, T0 + b))
            for a, b in draw(st.lists(SPANS, max_size=3))
        ],
        measure=watts({"cloud/r1": draw(st.sampled_from([0.001, 33.3, 1e6]))}),
    )


def revisions(parents: dict[int, int | None]) -> st.SearchStrategy[RevisionRow]:
    return st.builds(
        lambda number, span, **values: revision(f"r{number}", None, (0, 1), **values)._replace(
            kind=KINDS[number - 1], start_ms=T0 + span[0], end_ms=T0 + span[1]
        ),
        st.integers(1, 4),
        SPANS,
        project_id=st.sampled_from([None, *parents]),
        user_id=st.sampled_from([None, 1, 2]),
        state=st.sampled_from(State),
        vcpus=st.integers(0, 64),
        ram_bytes=st.one_of(st.integers(0, 2**40), st.just(2**55)),
        disk_bytes=st.integers(0, 2**50),
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """Any prices in two currencies and any factors, with holes, within 100 s after T0."""

    def stretches_of_time() -> list[tuple[int, int]]:
        cuts = sorted(draw(st.sets(MOMENTS, max_size=6)))
        pairs = [(T0 + a, T0 + b) for a, b in pairwise(cuts)]
        return [pair for pair in pairs if draw(st.booleans())]

    amount = st.decimals(0, 10, places=9)
    return Tariff(
        prices=[
            PriceRow(draw(amount), draw(st.sampled_from(["EUR", "SEK"])), *span)
            for span in stretches_of_time()
        ],
        factors=[CarbonRow(draw(amount), "", *span) for span in stretches_of_time()],
    )
