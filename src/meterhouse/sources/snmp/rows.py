"""In which rows of an agent's tables the outlets stand, where that is not known beforehand."""

from collections import Counter
from collections.abc import Sequence

from meterhouse.clients.snmp.agent import Agent, Value
from meterhouse.metering.errors import BadReading
from meterhouse.sources.snmp.tables import Table

Row = str | None
"""The numbers after a column's OID; "" if the OID is no column but the value; None: no row."""

SHOWN = 8  # labels in a message


def filled(pattern: str, device: int, outlet: int = 0, row: Row = "") -> str:
    """The OID of an outlet, counted from 0. "" if it is in no row."""
    if row is None and "{row}" in pattern:
        return ""
    place = f".{row}" if row else ""
    oid = pattern.replace("{device}", str(device)).replace("{n}", str(outlet + 1))
    return oid.replace(".{row}", place)


async def found(agent: Agent, table: Table, device: int, count: int) -> Sequence[Row]:
    """The row of each outlet. Raises BadReading if there is not one."""
    if not table.rows:
        return [""] * count
    column = filled(table.rows, device)
    listed = await agent.walk(column)
    if table.labels:
        return _labelled(agent, column, listed, table.labels)
    rows = [row for row, said in listed if not table.member or _is(said, table.member, device)]
    if not listed and column in await agent.get([column]):
        rows = [""]
    if not rows and table.member:
        there_are = ", ".join(sorted({str(said) for _, said in listed}))
        raise BadReading(f"{agent.where}: there is no device {device}; there are: {there_are}")
    return [*rows[:count], *[None] * (count - len(rows))]


def _is(said: Value, member: str, device: int) -> bool:
    return str(said) == filled(member, device)


def _labelled(
    agent: Agent, column: str, listed: Sequence[tuple[str, Value]], labels: Sequence[str]
) -> Sequence[Row]:
    texts = [(row, label(said)) for row, said in listed]
    often = Counter(text for _, text in texts)
    twice = next((text for text in labels if often[text] > 1), None)
    if twice is not None:
        raise BadReading(f"{agent.where}: {twice!r} is the label of {often[twice]} rows")
    rows = {text: row for row, text in texts}
    if not any(text in rows for text in labels):
        some = ", ".join(repr(text) for text in [*rows][:SHOWN])
        raise BadReading(
            f"{agent.where}: no row of {column} is called {labels[0]!r}; there are: {some or '-'}"
        )
    return [rows.get(text) for text in labels]


def label(said: Value | None) -> str:
    """A label as text; some agents pad it with spaces or zeros."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said or "")
    return text.strip(" \0\r\n\t")
