"""What a declaration would change about months that are over, and that somebody has reported."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain

from django.db import transaction

from meterhouse.inventory.past_changes import disputed, facts, first_ms
from meterhouse.inventory.scope import Scope
from meterhouse.metering.periods import Period, from_ms, to_ms
from meterhouse.usage.figures import figures
from meterhouse.usage.report import Axis
from meterhouse.usage.statement import statement

MONTHS = 24
"""The newest so many are looked at."""

HOURS = ("h", "resource h")
"""Of servers, and of resources of any kind, servers among them."""

Amounts = Mapping[tuple[str, str], str]
"""(whose, unit) to the amount."""


def warnings(change: Callable[[], object], *, now: datetime) -> tuple[str, ...]:
    """A line for each closed month whose figures a change would change, with how much.

    change: what changes the house; it is undone
    """
    end_ms = to_ms(_month(now).start)
    was, before, after = facts(end_ms), {}, {}
    with transaction.atomic():
        point = transaction.savepoint()
        change()
        span = disputed(was, facts(end_ms), end_ms)
        months = _months(max(span[0], first_ms(end_ms)), span[1])
        after = {month.start: _amounts(month, now) for month in months}
        transaction.savepoint_rollback(point)
        before = {month.start: _amounts(month, now) for month in months}
    lines = (_lines(month.start, before[month.start], after[month.start]) for month in months)
    return (*chain.from_iterable(lines), *_older(span[0], months, end_ms))


def _month(at: datetime) -> Period:
    at = at.astimezone(UTC)
    return Period.month(at.year, at.month)


def _months(start_ms: int, end_ms: int) -> list[Period]:
    """The closed months that lie in a stretch, at least in part: oldest first."""
    found: list[Period] = []
    at = end_ms
    while at > start_ms and len(found) < MONTHS:
        found.append(_month(from_ms(at - 1)))
        at = found[-1].start_ms
    return found[::-1]


def _older(start_ms: int, months: list[Period], end_ms: int) -> Iterator[str]:
    first = first_ms(end_ms)
    if len(months) == MONTHS and max(start_ms, first) < months[0].start_ms:
        last = months[0].start - timedelta(days=1)
        yield f"months up to {last:%Y-%m} may change too; only {MONTHS} are looked at"


def _amounts(month: Period, now: datetime) -> Amounts:
    """What each institution used in a month, and each project of it."""
    report = statement(month, by=Axis.INSTITUTION, scope=Scope.all(), now=now, using="default")
    found: dict[tuple[str, str], str] = {}
    for row in report.rows:
        own = figures(row.own)
        whose = row.key if row.axis == Axis.INSTITUTION else f"{row.institution} in {row.key}"
        for unit, amount in (
            ("h", own.server_hours or None),
            ("resource h", own.resource_hours or None),
            ("kWh", own.energy_kwh),
            ("kg CO2e", own.co2e_kg),
            *own.costs.items(),
        ):
            if amount is not None:
                found[whose, unit] = _text(amount)
    return found


def _text(amount: object) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _lines(month: datetime, before: Amounts, after: Amounts) -> Iterator[str]:
    """``2026-10 changes: x 744 -> 372 h``: institutions, or else the projects that differ."""
    changed = [
        (whose, unit)
        for whose, unit in sorted(before.keys() | after.keys())
        if before.get((whose, unit)) != after.get((whose, unit))
    ]
    institutions = [each for each in changed if " in " not in each[0]]
    told = [
        f"{whose} {_side(before, whose, unit)} → {_side(after, whose, unit)} {unit}"
        for whose, unit in institutions or changed
        if unit != "resource h" or (whose, "h") not in changed
    ]
    if told:
        yield f"{month:%Y-%m} changes: {', '.join(told)}"


def _side(amounts: Amounts, whose: str, unit: str) -> str:
    """An amount; of hours there are none, of what is measured or paid nobody knows any."""
    return amounts.get((whose, unit), "0" if unit in HOURS else "unknown")
