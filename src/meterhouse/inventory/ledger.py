"""Runs as rows: the dated tables, read and written in bulk by plain SQL."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.runs import Moment, Run, Seen, insert

Key = tuple[int, ...]
"""Ids that say which thing: (resource,), (user, project), (project, institution)."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """One dated table.

    key:       columns that say which thing
    value:     columns that make a run
    backdated: whether the table has seen_ms and since_ms; where not, both are as start_ms
    """

    table: str
    key: tuple[str, ...]
    value: tuple[str, ...]
    backdated: bool = False

    def around(self, listing_id: int, moment: Moment) -> dict[Key, list[Run]]:
        """All runs of a listing that the moment has a bearing on, oldest first. One query."""
        seen, since = self._when
        columns = ["id", seen, "start_ms", "end_ms", since, *self.key, *self.value]
        sql = (
            f"SELECT {', '.join(columns)} FROM {self.table} "  # noqa: S608 - names from here
            f"WHERE listing_id = %s AND end_ms >= %s AND {seen} <= %s ORDER BY {seen}"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [listing_id, moment.at_ms, moment.after])
            return self._grouped(cursor.fetchall())

    @property
    def _when(self) -> tuple[str, str]:
        return ("seen_ms", "since_ms") if self.backdated else ("start_ms", "0")

    def _grouped(self, rows: Iterable[tuple[Any, ...]]) -> dict[Key, list[Run]]:
        cut = 5 + len(self.key)
        found: dict[Key, list[Run]] = {}
        for row in rows:
            run = Run(row[1], row[3], row[cut:], row[2], row[4], row[0])
            found.setdefault(tuple(row[5:cut]), []).append(run)
        return found

    def write(self, listing_id: int, changes: Sequence["Change"]) -> None:
        """Make the rows as the changes say. At most three statements, none for no change."""
        gone = [(old.id,) for change in changes for old in change.gone()]
        changed = [(key, run) for key, run in _pairs(changes, Change.changed)]
        new = [(key, run) for key, run in _pairs(changes, Change.new)]
        when = ["seen_ms", "since_ms"] if self.backdated else []
        columns = ["start_ms", "end_ms", *when, *self.value]
        sets = ", ".join(f"{column} = %s" for column in columns)
        names = ["listing_id", *self.key, *columns]
        marks = ", ".join(["%s"] * len(names))
        self._each(f"DELETE FROM {self.table} WHERE id = %s", gone)  # noqa: S608
        self._each(
            f"UPDATE {self.table} SET {sets} WHERE id = %s",  # noqa: S608
            [(*self._fields(run), run.id) for _, run in changed],
        )
        self._each(
            f"INSERT INTO {self.table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
            [(listing_id, *key, *self._fields(run)) for key, run in new],
        )

    def _fields(self, run: Run) -> tuple[Any, ...]:
        when = (run.seen_ms, run.since_ms) if self.backdated else ()
        return (run.start_ms, run.end_ms, *when, *run.value)

    @staticmethod
    def _each(sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(sql, rows)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the runs of one thing."""

    key: Key
    before: Sequence[Run]
    after: Sequence[Run]

    def gone(self) -> list[Run]:
        kept = {run.id for run in self.after}
        return [run for run in self.before if run.id not in kept]

    def changed(self) -> list[Run]:
        return [run for run in self.after if run.id and run not in self.before]

    def new(self) -> list[Run]:
        return [run for run in self.after if not run.id]


def _pairs(
    changes: Iterable[Change], part: Callable[[Change], list[Run]]
) -> Iterable[tuple[Key, Run]]:
    return ((change.key, run) for change in changes for run in part(change))


def observe(
    ledger: Ledger,
    listing_id: int,
    moment: Moment,
    seen: Mapping[Key, Seen],
    missing: Callable[[Key], bool],
) -> bool:
    """Work what one list says into a ledger. Returns whether it changed anything.

    seen:    everything it says, by thing
    missing: whether a thing it does not name was not there: always, if it is complete
    """
    runs = ledger.around(listing_id, moment)
    named = (
        Change(key, before := runs.get(key, []), insert(before, moment, said))
        for key, said in seen.items()
        if not _stands(runs.get(key), moment, said)
    )
    unnamed = (
        Change(key, before, insert(before, moment, None))
        for key, before in runs.items()
        if key not in seen and missing(key)
    )
    changes = [change for change in (*named, *unnamed) if list(change.before) != change.after]
    ledger.write(listing_id, changes)
    return bool(changes)


def _stands(runs: Sequence[Run] | None, moment: Moment, seen: Seen) -> bool:
    """Whether the moment only confirms the one run there is: the usual case, made quick."""
    if runs is None or len(runs) != 1:
        return False
    run = runs[0]
    return run.seen_ms <= moment.at_ms < run.end_ms == FOREVER and run.value == seen.value


MEMBERSHIPS = Ledger("inventory_membership", ("user_id", "project_id"), ("role",))
SHARES = Ledger("inventory_share", ("project_id", "institution_id"), ("weight",))
REVISIONS = Ledger(
    "inventory_revision",
    ("resource_id",),
    ("project_id", "user_id", "state", "vcpus", "ram_bytes", "disk_bytes", "details"),
    backdated=True,
)
