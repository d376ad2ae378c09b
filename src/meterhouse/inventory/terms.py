"""What is declared that holds for a time by itself: of each kind its tables, keys and values.

    [[prices]]    per_kwh, currency      what a kilowatt-hour costs
    [[carbon]]    g_per_kwh, source      grams of CO2e that a kilowatt-hour stands for
    [[feeds]]     outlet, node           which node an outlet feeds, by key or by a unique name
    [[idle]]      node, watts            what a node draws when nothing runs on it

Each with ``from`` and ``until``, dated as shares are.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from meterhouse.inventory.toml import Table

_CURRENCY = re.compile("[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One kind of terms.

    table:        the name of its tables in a file
    word:         how lines call one
    keys, values: the columns that say what it is about, and what it says
    read:         reads the keys, then the values, from a table
    """

    table: str
    word: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    read: Callable[[Table], tuple[str, ...]]

    def title(self, key: tuple[str, ...]) -> str:
        """``price``, ``feed pdu/1 to node-1``."""
        return f"{self.word} {' to '.join(key)}".rstrip()


def _price(table: Table) -> tuple[str, ...]:
    per_kwh, currency = table.amount("per_kwh", "0.25"), table.text("currency", needed=True)
    if currency and not _CURRENCY.fullmatch(currency):
        table.flaw(f'currency is three capital letters, like EUR, not "{currency}"')
    return per_kwh, currency


def _carbon(table: Table) -> tuple[str, ...]:
    return table.amount("g_per_kwh", "380"), table.text("source")


def _feed(table: Table) -> tuple[str, ...]:
    return table.text("outlet", needed=True), table.text("node", needed=True)


def _idle(table: Table) -> tuple[str, ...]:
    return table.text("node", needed=True), table.amount("watts", "95")


SHEETS = (
    Sheet("prices", "price", (), ("per_kwh", "currency"), _price),
    Sheet("carbon", "carbon factor", (), ("g_per_kwh", "source"), _carbon),
    Sheet("feeds", "feed", ("outlet", "node"), (), _feed),
    Sheet("idle", "idle power of", ("node",), ("watts",), _idle),
)
