"""Periods as an address says them: ``last=day``, or ``from=…&to=…``, in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import Period, from_ms

LASTS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
"""What a graph's period can be called."""

PRESETS = {
    "last-24h": "Last 24 hours",
    "last-7d": "Last 7 days",
    "last-30d": "Last 30 days",
    "this-month": "This month",
    "last-month": "Last month",
    "this-year": "This year",
    "last-year": "Last year",
    "custom": "From … to …",
}
"""What a report's period can be called."""

_LENGTHS = {"last-24h": 1, "last-7d": 7, "last-30d": 30}  # days

HOUR = LASTS["hour"]
LONGEST = timedelta(days=3660)
EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A period and the word for it: "" or "custom" where it was given as two moments."""

    name: str
    period: Period


def graph_period(query: Mapping[str, str], *, now: datetime) -> Chosen:
    """The period of a graph: ``from`` and ``to``, or ``last``; the last hour if nothing is said.

    Raises Mistake for what is no moment, or ends before it starts.
    """
    if query.get("from"):
        return Chosen("", between(query["from"], query.get("to", ""), now=now))
    if query.get("to"):
        raise Mistake("to: say from when, too")
    name = query.get("last") or "hour"
    if name not in LASTS:
        raise Mistake(f"last: {name!r} is no period; there are: {', '.join(LASTS)}")
    return Chosen(name, Period.last(LASTS[name], now=now))


def covering(first_ms: int, last_ms: int, *, now: datetime) -> Chosen:
    """The shortest of hour, day and week that reaches back to the first reading.

    It ends now; or with the last reading, where that is so old that nothing would be seen.
    """
    age = now - from_ms(first_ms)
    name = next((name for name in ("hour", "day") if age <= LASTS[name]), "week")
    last = from_ms(last_ms)
    if now - last < LASTS[name]:
        return Chosen(name, Period.last(LASTS[name], now=now))
    end = last.replace(microsecond=0) + timedelta(seconds=1)
    return Chosen("", Period.last(min(LASTS["week"], max(end - from_ms(first_ms), HOUR)), now=end))


def question(chosen: Chosen) -> dict[str, str]:
    """A period as the address of a graph says it."""
    if chosen.name in LASTS:
        return {"last": chosen.name}
    return exactly(chosen.period)


def exactly(period: Period) -> dict[str, str]:
    """A period as two moments, whole seconds, that hold all of it."""
    end = period.end + timedelta(seconds=1) - timedelta.resolution
    return {"from": f"{period.start:%FT%T}", "to": f"{end:%FT%T}"}


def written(at: datetime, *, to_second: bool) -> str:
    """A moment as an input shows it and takes it: ISO 8601 with a space, UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if to_second else f"{at:%Y-%m-%d %H:%M}"


def asked(chosen: Chosen) -> dict[str, str]:
    """The period of a report, as the address of another page says it."""
    ends = exactly(chosen.period) if chosen.name == "custom" else {}
    return {"period": chosen.name, **ends}


def kept(query: Mapping[str, str]) -> dict[str, str]:
    """The period of the report that a page was opened from; nothing if it was not."""
    if not query.get("period"):
        return {}
    return {key: query[key] for key in ("period", "from", "to") if query.get(key)}


def report_period(query: Mapping[str, str], *, now: datetime) -> Chosen:
    """The period of a report; the last 30 days if nothing is said. Raises Mistake."""
    is_custom = bool(query.get("from") or query.get("to"))
    name = query.get("period") or ("custom" if is_custom else "last-30d")
    if name not in PRESETS:
        raise Mistake(f"period: {name!r} is none; there are: {', '.join(PRESETS)}")
    if name == "custom":
        if not query.get("from"):
            raise Mistake("from: say from when")
        return Chosen(name, between(query.get("from", ""), query.get("to", ""), now=now))
    return Chosen(name, _preset(name, now))


def between(start: str, end: str, *, now: datetime) -> Period:
    """From one moment to another; to now if no end is said. Raises Mistake."""
    first = moment(start, "from")
    last = moment(end, "to") if end else now
    if last <= first:
        raise Mistake(f"to: {last:%F %T} is not after from: {first:%F %T}")
    if last - first > LONGEST or first < EARLIEST:
        raise Mistake("a period is at most ten years long, and begins after 1970")
    return Period(first, last)


def moment(text: str, key: str) -> datetime:
    """A date or moment in ISO 8601, or milliseconds since 1970. Raises Mistake naming the key."""
    try:
        if text.isdecimal() and len(text) > 8:
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Mistake(
            f"{key}: {text!r} is no moment; write like 2026-05-01 or 2026-05-01 12:00, in UTC"
        ) from error


def _preset(name: str, now: datetime) -> Period:
    today = datetime.combine(now.date(), time(), UTC)
    if name in _LENGTHS:
        return Period.last(timedelta(days=_LENGTHS[name]), now=now)
    month = today.replace(day=1)
    match name:
        case "this-month":
            return Period(month, _next_month(month.date()))
        case "last-month":
            return Period((month - timedelta(days=1)).replace(day=1), month)
        case "this-year":
            return Period(month.replace(month=1), month.replace(year=now.year + 1, month=1))
        case _:
            return Period(month.replace(year=now.year - 1, month=1), month.replace(month=1))


def _next_month(first: date) -> datetime:
    return Period.month(first.year, first.month).end
