"""What somebody may see."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from meterhouse.inventory.facts import FOREVER, ShareRow, Tree
from meterhouse.inventory.models import Institution, Project, User
from meterhouse.inventory.places import trees_ever
from meterhouse.inventory.shares import shares_between
from meterhouse.inventory.stretches import Stretch, without
from meterhouse.inventory.tree import parents_first


@dataclass(frozen=True, slots=True)
class Scope:
    """Ids of what somebody may see. Made by ``Scope.all()``, ``Scope.none()`` or ``scope_of``.

    projects:     with everything below them
    institutions: whose shares they may see; the projects they fund are among ``projects``
    users:        whose resources they may see wherever they are
    granted:      which of the projects they may see the whole usage of; of the others, that are
                  there because an institution funds them, only the institutions' parts
    """

    everything: bool = False
    institutions: frozenset[int] = frozenset()
    projects: frozenset[int] = frozenset()
    users: frozenset[int] = frozenset()
    granted: frozenset[int] = frozenset()

    @classmethod
    def all(cls) -> "Scope":
        return cls(everything=True)

    @classmethod
    def none(cls) -> "Scope":
        return cls()

    def owns(self, project_column: str, user_column: str) -> str:
        """The SQL condition that a row's owner is in the scope. Holds numbers only."""
        if self.everything:
            return "1 = 1"
        return f"({among(project_column, self.projects)} OR {among(user_column, self.users)})"


def among(column: str, ids: Collection[int]) -> str:
    """The SQL condition that a column holds one of the ids.

    They are written out, not passed: databases limit parameters, and numbers are harmless.
    """
    return f"{column} IN ({', '.join(str(int(each)) for each in sorted(ids)) or 'NULL'})"


def scope_of(
    *,
    institutions: Collection[str] = (),
    projects: Collection[str] = (),
    users: Collection[str] = (),
    using: str = "default",
) -> Scope:
    """What grants on these keys let somebody see. Keys that name nothing grant nothing.

    A project: it and everything below. An institution: the projects that it funds or ever
    funded. A user: their own resources.
    """
    payers = Institution.objects.using(using).filter(key__in=institutions).values_list("id")
    given = Project.objects.using(using).filter(key__in=projects).values_list("id")
    people = User.objects.using(using).filter(key__in=users).values_list("id")
    asked = {row[0] for row in given}
    paying = frozenset(row[0] for row in payers)
    shares = shares_between(0, FOREVER, using) if paying else []
    trees = trees_ever({*asked, *(share.project_id for share in shares)}, using)
    granted = below(asked, trees[-1].parents)
    funded = _funded(trees, shares, paying)
    return Scope(
        institutions=paying,
        projects=granted | funded,
        users=frozenset(row[0] for row in people),
        granted=granted,
    )


def below(projects: Collection[int], parents: Mapping[int, int | None]) -> frozenset[int]:
    """The projects and everything below them."""
    found = set(projects) & parents.keys()
    for project in parents_first(parents)[0]:
        if parents[project] in found:
            found.add(project)
    return frozenset(found)


def _funded(
    trees: Iterable[Tree], shares: Sequence[ShareRow], institutions: Collection[int]
) -> frozenset[int]:
    """Projects with a share of theirs, and those that inherit it at some moment."""
    return frozenset(chain.from_iterable(_paid(tree, shares, institutions) for tree in trees))


def _paid(tree: Tree, shares: Sequence[ShareRow], institutions: Collection[int]) -> frozenset[int]:
    """The same, as long as one tree stands."""
    own: dict[int, list[Stretch]] = {}
    theirs: dict[int, list[Stretch]] = {}
    for share in shares:
        stretch = (max(share.start_ms, tree.start_ms), min(share.end_ms, tree.end_ms))
        if stretch[0] < stretch[1]:
            own.setdefault(share.project_id, []).append(stretch)
            if share.institution_id in institutions:
                theirs.setdefault(share.project_id, []).append(stretch)
    for project in parents_first(tree.parents)[0]:
        above = theirs.get(tree.parents[project] or 0, [])
        inherited = without(above, own.get(project, []))
        if inherited:
            theirs[project] = [*theirs.get(project, []), *inherited]
    return frozenset(theirs)


def funded_by_anybody(before_ms: int, using: str = "default") -> frozenset[int]:
    """The projects that somebody funded at some moment before one, by inheritance too."""
    shares = [row for row in shares_between(0, FOREVER, using) if row.start_ms < before_ms]
    payers = {row.institution_id for row in shares}
    trees = trees_ever({row.project_id for row in shares}, using)
    earlier = (tree for tree in trees if tree.start_ms < before_ms)
    cut = (tree._replace(end_ms=min(tree.end_ms, before_ms)) for tree in earlier)
    return _funded(cut, shares, payers)
