"""What is declared and known at present, loaded once for a plan; and the steps of the plan."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic

from meterhouse.inventory.declared import Flaw, Named, Where
from meterhouse.inventory.discovery import KnownT
from meterhouse.inventory.keys import did_you_mean
from meterhouse.inventory.models import Membership, OwnershipRule, Share
from meterhouse.inventory.spans import Span


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and the line that says so; "" if another step's line says it."""

    line: str
    do: Callable[[], object]


@dataclass(slots=True)
class Findings:
    """What planning found: steps in the order to be done, flaws, and how much is left alone."""

    now_ms: int
    prune: bool
    steps: list[Step] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    staying: int = 0

    def step(self, line: str, do: Callable[[], object]) -> None:
        self.steps.append(Step(line, do))

    def silent(self, do: Callable[[], object]) -> None:
        self.steps.append(Step("", do))

    def flaw(self, where: Where, text: str) -> None:
        self.flaws.append(Flaw(where, text))


@dataclass(slots=True)
class Shelf(Generic[KnownT]):
    """All rows of one model: as they are, and under the keys they will have.

    word:  how lines call one: "project"
    after: the rows there will be, those to be made among them, by key
    same:  ids of rows that turn out to be another's, to the id of that
    """

    word: str
    model: type[KnownT]
    by_key: dict[str, KnownT]
    by_origin: dict[tuple[str, str], KnownT]
    after: dict[str, KnownT]
    same: dict[int, int] = field(default_factory=dict)

    @classmethod
    def load(cls, word: str, model: type[KnownT]) -> "Shelf[KnownT]":
        rows = list(model.objects.order_by("key"))
        by_key = {row.key: row for row in rows}
        by_origin = {(row.source, row.external_id): row for row in rows if row.source}
        return cls(word, model, by_key, by_origin, dict(by_key))

    def match(self, declared: Named) -> tuple[KnownT | None, KnownT | None]:
        """The rows that a declared one names: by its key, and by what it adopts."""
        origin = (declared.source, declared.external_id)
        return self.by_key.get(declared.key), self.by_origin.get(origin)

    def names(self) -> dict[int, str]:
        """Ids to the keys there will be; of what will be gone, to those there are."""
        rows = (*self.by_key.items(), *self.after.items())
        return {row.pk: key for key, row in rows}

    def known(self, key: str, where: Where, findings: Findings, role: str = "") -> bool:
        """Whether there will be such a one; if not, that is a flaw."""
        if key in self.after:
            return True
        gone = "is not in the file, and prune removes it" if key in self.by_key else ""
        wrong = gone or f"does not exist{did_you_mean(key, self.after)}"
        findings.flaw(where, f'{role or self.word} "{key}" {wrong}')
        return False


Pair = tuple[int, int]
"""Ids of user and project, or of project and institution."""


def memberships() -> dict[Pair, list[Span]]:
    """The declared ones that count, oldest first."""
    rows = Membership.objects.filter(listing=None, withdrawn_ms=None).order_by("start_ms")
    return _by_pair(((row.user_id, row.project_id), _span(row, row.role)) for row in rows)


def members_ever() -> frozenset[object]:
    """The pairs of user and project that anybody ever said something of: sources, too."""
    rows = Membership.objects.filter(withdrawn_ms=None)
    return frozenset(rows.values_list("user_id", "project_id"))


def shares() -> dict[Pair, list[Span]]:
    """The declared ones that count, oldest first."""
    rows = Share.objects.filter(listing=None, withdrawn_ms=None).order_by("start_ms")
    return _by_pair(((row.project_id, row.institution_id), _span(row, row.weight)) for row in rows)


def _span(row: Membership | Share, value: str | int) -> Span:
    return Span(row.start_ms, row.end_ms, value, row.pk)


def _by_pair(spans: Iterable[tuple[Pair, Span]]) -> dict[Pair, list[Span]]:
    found: dict[Pair, list[Span]] = {}
    for pair, span in spans:
        found.setdefault(pair, []).append(span)
    return found


def rules() -> list[OwnershipRule]:
    return list(OwnershipRule.objects.order_by("position"))
