"""Small words for templates: icons, figures, bars and sparklines drawn as SVG."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from meterhouse.live import figures
from meterhouse.live.figures import UNKNOWN, Figure
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.periods import from_ms

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    url = static("meterhouse/icons.svg")
    return format_html('<svg aria-hidden="true"><use href="{}#{}"/></svg>', url, name)


@register.filter
def figure(value: Figure) -> SafeString:
    """A number with its unit behind it, smaller."""
    if not value.unit:
        return format_html("{}", value.number)
    return format_html('{}<span class="unit"> {}</span>', value.number, value.unit)


@register.simple_tag
def meterbar(share: float | None, label: str = "", *, warns: bool = True) -> SafeString:
    """A bar filled to ``share``, 0 to 1; nothing if it is not known.

    warns: whether nearly full is something to look at
    """
    if share is None:
        return SafeString("")
    width = round(max(0.0, min(1.0, share)) * 100, 2)
    return format_html(
        '<svg class="meterbar{}" viewBox="0 0 100 5" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><rect class="full" width="100" height="5" rx="2.5"/>'
        '<rect class="part" width="{}" height="5" rx="2.5"/></svg>',
        " high" if warns and share >= 0.85 else "",
        label or f"{width:.0f} %",
        width,
    )


@register.simple_tag
def sharebar(shares: Sequence[tuple[str, float]]) -> SafeString:
    """Parts of a whole side by side; names to parts of 1."""
    edges, at = [], 0.0
    for number, (_, part) in enumerate(shares):
        edges.append((f"s{number % 6 + 1}", round(at * 100, 3), round(part * 100, 3)))
        at += part
    label = ", ".join(f"{name} {part:.0%}" for name, part in shares)
    rects = format_html_join("", '<rect class="{}" x="{}" width="{}" height="6"/>', edges)
    return format_html(
        '<svg class="shares" viewBox="0 0 100 6" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>',
        label,
        rects,
    )


@register.simple_tag
def spark(values: Sequence[float]) -> SafeString:
    """A line through values of equal distance, from zero or their minimum up to their maximum."""
    if len(values) < 2:
        return SafeString("")
    low, high = min(0.0, *values), max(values)
    span = (high - low) or 1.0
    points = [
        f"{100 * number / (len(values) - 1):.2f},{31 - 29 * (value - low) / span:.2f}"
        for number, value in enumerate(values)
    ]
    return format_html(
        '<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon class="under" points="0,32 {} 100,32"/>'
        '<polyline class="line" points="{}"/></svg>',
        " ".join(points),
        " ".join(points),
    )


MOMENT = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?"


@register.simple_tag
def momentfield(key: str, name: str, value: str, custom: str = "") -> SafeString:
    """A field for a moment, written in ISO 8601 whatever the language of the browser.

    key:    the element's id
    custom: id of the chooser of periods that is set to "custom" when somebody writes here

    A browser's own field shows the months and the afternoon in the reader's language; what is
    typed here reads the same for everybody, and can be copied from a log.
    """
    return format_html(
        '<input id="{}" name="{}" value="{}" pattern="{}" placeholder="YYYY-MM-DD HH:MM"'
        ' title="Like 2026-05-01 or 2026-05-01 12:00, in UTC" autocomplete="off"'
        ' spellcheck="false" maxlength="32"{}>',
        key,
        name,
        value,
        MOMENT,
        format_html(' data-custom="{}"', custom) if custom else "",
    )


@register.filter
def words(text: str) -> list[str]:
    return text.split()


@register.filter
def ago(at: datetime | int | None) -> str:
    """How long ago, or in how long, in one unit: "40 s ago", "in 12 min", "3 d ago"."""
    if at is None:
        return "never"
    moment = from_ms(at) if isinstance(at, int) else at
    seconds = round((SystemClock().now() - moment).total_seconds())
    if abs(seconds) < 2:
        return "now"
    text = _length(abs(seconds))
    return f"{text} ago" if seconds > 0 else f"in {text}"


@register.filter
def stamp(at: datetime | int | None) -> SafeString:
    """A moment in UTC to the minute, exact to the second for who points at it."""
    if at is None:
        return SafeString(UNKNOWN)
    moment = from_ms(at) if isinstance(at, int) else at
    exact = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        exact,
        f"{moment:%Y-%m-%d %H:%M}",
    )


@register.filter
def setting(value: object) -> str:
    """A value of a source's configuration as people write it: lists by commas, yes and no."""
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(setting, value))
        case dict():
            return ", ".join(f"{key}: {setting(each)}" for key, each in value.items())
        case _:
            return str(value)


@register.filter
def exact(at: datetime) -> str:
    """A moment that something is counted to: to the minute, or to the second if it is not one."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second or at.microsecond else f"{at:%Y-%m-%d %H:%M}"


def _length(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size or (unit != "d" and seconds >= size):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@register.filter
def length_of(seconds: float) -> str:
    """900 is "15 min"."""
    return _length(round(seconds)) if seconds >= 1 else f"{seconds:g} s"


@register.simple_tag
def percent(part: float | Decimal | None) -> str:
    """0.413 is "41 %"; unknown is a dash."""
    return figures.percent(float(part)) if part is not None else UNKNOWN


@register.filter
def short(value: Decimal | None) -> str:
    """A figure to be seen from afar: tenths only below 1000."""
    return grouped(round(value) if value is not None and value >= 1000 else value)


@register.filter
def grouped(value: Decimal | int | None) -> str:
    """A figure with thin spaces between thousands; unknown is a dash."""
    if value is None:
        return UNKNOWN
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


@register.filter
def beside(value: Decimal, total: Decimal) -> str:
    """A figure of a column: without tenths where the column's total is ten thousand or more."""
    return grouped(round(value) if total >= 10_000 else value)


@register.filter
def some(value: Decimal | None) -> str:
    """A part of something: nothing where there is none, so that the others stand out."""
    return grouped(value) if value else ""


@register.filter
def money(amount: Decimal) -> str:
    """An amount to the hundredth, with thin spaces between thousands."""
    return grouped(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))
