"""Which stretch of the past a declaration speaks of anew."""

from collections.abc import Iterator

from meterhouse.inventory.models import (
    CarbonFactor,
    Feed,
    IdlePower,
    Parent,
    Price,
    Project,
    Revision,
    Share,
)
from meterhouse.inventory.stretches import Stretch

Fact = tuple[object, ...]
"""A table, what a row of it says, and from when until when: clipped, so the last two differ."""

_TABLES = (
    (Share, ("project_id", "institution_id", "weight")),
    (Parent, ("project_id", "parent_id")),
    (Price, ("per_kwh", "currency")),
    (CarbonFactor, ("g_per_kwh", "source")),
    (Feed, ("outlet", "node")),
    (IdlePower, ("node", "watts")),
)


def facts(end_ms: int) -> dict[Fact, Stretch]:
    """All that figures before a moment rest on and that a declaration can change."""
    return dict(_facts(end_ms))


def _facts(end_ms: int) -> Iterator[tuple[Fact, Stretch]]:
    for model, columns in _TABLES:
        rows = model.objects.filter(withdrawn_ms=None, start_ms__lt=end_ms)
        for start, end, *values in rows.values_list("start_ms", "end_ms", *columns):
            stretch = (start, min(end, end_ms))
            yield (model.__name__, *values, *stretch), stretch
    for project in Project.objects.values_list("id", flat=True):
        yield ("there", project), (0, 0)


def disputed(before: dict[Fact, Stretch], after: dict[Fact, Stretch], end_ms: int) -> Stretch:
    """From when until when the two may give other figures; empty if nowhere."""
    if any(fact[0] == "there" and fact not in after for fact in before):
        return 0, end_ms  # a project was taken over by another, with all that is its own
    changed = [
        stretch
        for fact, stretch in (*before.items(), *after.items())
        if not (fact in before and fact in after) and stretch[0] < stretch[1]
    ]
    starts, ends = zip(*changed, strict=True) if changed else ((0,), (0,))
    return min(starts), max(ends)


def first_ms(end_ms: int) -> int:
    """When the first thing began that was there before a moment; the moment if nothing was."""
    first = Revision.objects.filter(start_ms__lt=end_ms).order_by("start_ms").first()
    return end_ms if first is None else first.start_ms
