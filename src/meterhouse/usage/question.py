"""What is asked of the estate, and who asks: the atoms that answer it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from meterhouse.inventory.scope import Scope
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import Period
from meterhouse.usage.atoms import Atoms
from meterhouse.usage.ledger import UNASSIGNED, Ledger, Named, Names
from meterhouse.usage.report import Axis
from meterhouse.usage.shares import NOBODY
from meterhouse.usage.stretches import Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whose usage, in which period, added up by what, for whose eyes.

    institution: its key, for its part only; None for everybody's
    project:     its key, for it and all below it; None for all
    """

    period: Period
    by: Axis
    institution: str | None = None
    project: str | None = None
    scope: Scope
    now: datetime

    @property
    def counted(self) -> Period:
        """The part of the period that has been: nobody has used anything tomorrow."""
        start = self.period.start
        return Period(start, max(start, min(self.period.end, self.now)))

    @property
    def is_all(self) -> bool:
        """Whether nothing at all is left out."""
        return self.scope.everything and self.institution is None and self.project is None


def choose(question: Question, atoms: Atoms, names: Names) -> Ledger:
    """Keep the atoms that were asked for and may be seen.

    Raises Mistake for an institution or project that does not exist or is not theirs to see: the
    same words for both, so that nobody learns of others by asking.
    """
    scope = question.scope
    atoms = atoms.take(_visible(atoms, scope))
    listed = frozenset(names.projects) if scope.everything else scope.projects
    listed |= frozenset(np.unique(atoms.project).tolist())
    paths = names.paths(listed)
    if question.institution is not None:
        institution = _find(question.institution, names.institutions, "institution")
        atoms = atoms.take(atoms.institution == institution)
        _may_see(scope.institutions, institution, question, atoms, "institution")
    if question.project is not None:
        project = _find(question.project, names.projects, "project")
        listed = frozenset(_beneath(project, names.parents))
        atoms = atoms.take(np.isin(atoms.project, list(listed)))
        _may_see(scope.projects, project, question, atoms, "project")
    return Ledger(atoms=atoms, names=names, listed=listed & paths.keys(), paths=paths)


def _visible(atoms: Atoms, scope: Scope) -> Mask:
    if scope.everything:
        return np.ones(len(atoms), bool)
    visible: Mask = (
        np.isin(atoms.institution, list(scope.institutions))
        | np.isin(atoms.project, list(scope.granted))
        | np.isin(atoms.user, list(scope.users))
    )
    return visible


def _find(key: str, named: Mapping[int, Named], what: str) -> int:
    for number, each in named.items():
        if each.key == key:
            return number
    if key == UNASSIGNED:
        return NOBODY
    raise _unknown(key, what)


def _unknown(key: str, what: str) -> Mistake:
    return Mistake(f"report: {what} {key!r}: there is no such {what} here, or none you may see")


def _may_see(
    allowed: frozenset[int], wanted: int, question: Question, atoms: Atoms, what: str
) -> None:
    """One who sees some of its atoms, or all there may ever be, may ask for it by name."""
    if not (question.scope.everything or wanted in allowed or len(atoms)):
        key = question.institution if what == "institution" else question.project
        raise _unknown(str(key), what)


def _beneath(project: int, parents: Mapping[int, int | None]) -> Iterable[int]:
    children: dict[int | None, list[int]] = {}
    for each, parent in parents.items():
        children.setdefault(parent, []).append(each)
    waiting = [project]
    while waiting:
        at = waiting.pop()
        yield at
        waiting.extend(children.get(at, ()))
