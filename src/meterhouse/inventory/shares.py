"""Which shares count: those declared, and where there are none those that sources know."""

from collections.abc import Iterable

from django.db import connections

from meterhouse.inventory.facts import ShareRow
from meterhouse.inventory.stretches import without

_SHARES = """
SELECT project_id, institution_id, weight, start_ms, end_ms, listing_id
FROM inventory_share
WHERE withdrawn_ms IS NULL AND start_ms < %s AND end_ms > %s
ORDER BY project_id, start_ms, institution_id
"""


def shares_between(start_ms: int, end_ms: int, using: str = "default") -> list[ShareRow]:
    """The shares that count between two moments, not clipped to them."""
    with connections[using].cursor() as cursor:
        cursor.execute(_SHARES, [end_ms, start_ms])
        rows = cursor.fetchall()
    declared = [ShareRow._make(row[:5]) for row in rows if row[5] is None]
    discovered = [ShareRow._make(row[:5]) for row in rows if row[5] is not None]
    return declared_first(declared, discovered)


def declared_first(declared: Iterable[ShareRow], discovered: Iterable[ShareRow]) -> list[ShareRow]:
    """At any moment a project's declared shares, or if it has none then, the discovered ones."""
    kept = list(declared)
    taken: dict[int, list[tuple[int, int]]] = {}
    for share in kept:
        taken.setdefault(share.project_id, []).append((share.start_ms, share.end_ms))
    for share in discovered:
        free = without([(share.start_ms, share.end_ms)], taken.get(share.project_id, ()))
        kept += [share._replace(start_ms=start, end_ms=end) for start, end in free]
    return kept
