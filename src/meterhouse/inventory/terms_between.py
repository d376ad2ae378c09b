"""Which terms hold between two moments: prices, carbon factors, feeds and idle powers."""

from decimal import Decimal
from typing import Any

from django.db import connections

from meterhouse.inventory.facts import CarbonRow, FeedRow, IdleRow, PriceRow

_TERMS = """
SELECT {columns}, start_ms, end_ms FROM {table}
WHERE withdrawn_ms IS NULL AND start_ms < %s AND end_ms > %s
ORDER BY start_ms, id
"""


_TARIFF = """
SELECT 'price', per_kwh, currency, start_ms, end_ms FROM inventory_price
WHERE withdrawn_ms IS NULL AND start_ms < %s AND end_ms > %s
UNION ALL
SELECT 'carbon', g_per_kwh, source, start_ms, end_ms FROM inventory_carbonfactor
WHERE withdrawn_ms IS NULL AND start_ms < %s AND end_ms > %s
"""


def tariff(
    start_ms: int, end_ms: int, using: str
) -> tuple[tuple[PriceRow, ...], tuple[CarbonRow, ...]]:
    """Prices and carbon factors, each in order of time. One query."""
    with connections[using].cursor() as cursor:
        cursor.execute(_TARIFF, [end_ms, start_ms] * 2)
        rows = sorted(cursor.fetchall(), key=lambda row: row[3])
    prices = (PriceRow(Decimal(row[1]), *row[2:]) for row in rows if row[0] == "price")
    factors = (CarbonRow(Decimal(row[1]), *row[2:]) for row in rows if row[0] == "carbon")
    return tuple(prices), tuple(factors)


def feeds(start_ms: int, end_ms: int, using: str) -> list[FeedRow]:
    rows = _between("inventory_feed", "outlet, node", start_ms, end_ms, using)
    return [FeedRow(*row) for row in rows]


def idle(start_ms: int, end_ms: int, using: str) -> list[IdleRow]:
    rows = _between("inventory_idlepower", "node, watts", start_ms, end_ms, using)
    return [IdleRow(row[0], Decimal(row[1]), *row[2:]) for row in rows]


def _between(
    table: str, columns: str, start_ms: int, end_ms: int, using: str
) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(_TERMS.format(table=table, columns=columns), [end_ms, start_ms])
        return [tuple(row) for row in cursor.fetchall()]
