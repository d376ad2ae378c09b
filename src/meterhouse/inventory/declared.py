"""What a file declares, before anybody asked whether the house can take it.

``start_ms`` None: the file gives no ``from``. ``end_ms`` FOREVER: it gives no ``until``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meterhouse.metering.errors import Mistake
from meterhouse.metering.names import plain

LINE = 800
"""Characters of a message, at most: a file may hold anything."""

STAR = "*"
"""In a rule: the owner is the one that the pattern's ``*`` stands for."""


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """Where something is written: ``[[projects]] "debian/cd" (line 12)``.

    line:  0 if it has none of its own (written inline)
    table: as it is written: "[[projects]]", "[options]"
    """

    line: int
    table: str
    name: str = ""

    def __str__(self) -> str:
        name = f' "{self.name}"' if self.name else ""
        line = f" (line {self.line})" if self.line else ""
        return f"{self.table}{name}{line}"


@dataclass(frozen=True, slots=True, order=True)
class Flaw:
    """One thing that is wrong, and where."""

    where: Where
    text: str

    def __str__(self) -> str:
        return plain(f"{self.where}: {self.text}", LINE)


class Mistakes(Mistake):
    """Everything that is wrong with a file, a line each."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An institution; what projects and users have as well.

    name:   "" if the file gives none: it keeps its own, a new one is called by its key
    source, external_id: whose object it adopts; both or neither
    """

    key: str
    name: str
    source: str = ""
    external_id: str = ""
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredProject(Named):
    """parent: None if the file says nothing: it stays where it is, a new one goes by its key."""

    parent: str | None = None

    @property
    def new_parent(self) -> str:
        """Where a new one goes: "" is the top; ``debian/cd`` goes below ``debian``."""
        return self.key.rpartition("/")[0] if self.parent is None else self.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredUser(Named):
    """email: "" if the file gives none: it stays as it is."""

    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """Something that holds between two others for a time.

    one, other: keys: user and project of a membership, project and institution of a share
    value:      the role, the weight
    """

    one: str
    other: str
    value: str | int
    start_ms: int | None
    end_ms: int
    where: Where

    @property
    def about(self) -> tuple[str, ...]:
        """What only one row at a time may say something of."""
        return self.one, self.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Something that holds for a time by itself: a price, a carbon factor, a feed (terms.py).

    table: the name of its tables in the file: "prices"
    key:   what it is about, in the words of the file; () if there is only one such thing
    value: what it says of that, each in its one way to be written
    """

    table: str
    key: tuple[str, ...]
    value: tuple[str, ...]
    start_ms: int | None
    end_ms: int
    where: Where

    @property
    def about(self) -> tuple[str, ...]:
        """What only one row at a time may say something of."""
        return self.table, *self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRule:
    """match: "tag", "name" or "any"; project, user: key, STAR or "" for neither."""

    source: str
    match: str
    pattern: str
    project: str
    user: str
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """A ``[[sources]]`` table, as it stands in the file: not this room's to judge."""

    where: Where
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What one file says.

    file:  its name, for messages
    rules: None if the file has no such tables: then those of the house stay
    prune: whether what is declared in the house and not in the file is to be removed
    flaws: what is wrong with the file itself; nobody acts on a declaration that has any
    """

    file: str
    institutions: tuple[Named, ...] = ()
    projects: tuple[DeclaredProject, ...] = ()
    users: tuple[DeclaredUser, ...] = ()
    memberships: tuple[Dated, ...] = ()
    shares: tuple[Dated, ...] = ()
    terms: tuple[Term, ...] = ()
    rules: tuple[DeclaredRule, ...] | None = None
    sources: tuple[SourceTable, ...] = ()
    prune: bool = False
    flaws: tuple[Flaw, ...] = ()

    def refuse(self, *more: Flaw) -> None:
        """Raise Mistakes if there are any, these or more, in the order of the file."""
        if self.flaws or more:
            flaws = sorted({*self.flaws, *more})
            raise Mistakes(tuple(f"{self.file}: {flaw}" for flaw in flaws))
