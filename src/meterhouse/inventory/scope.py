"""What somebody may see."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.models import Institution, Project, User
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
    parents = dict(Project.objects.using(using).values_list("id", "parent_id"))
    paying = frozenset(row[0] for row in payers)
    funded = _funded(paying, parents, using) if paying else frozenset()
    granted = below({row[0] for row in given}, parents)
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
    institutions: Collection[int], parents: Mapping[int, int | None], using: str
) -> frozenset[int]:
    """Projects with a share of theirs, and those below that inherit it at some moment."""
    own: dict[int, list[Stretch]] = {}
    theirs: dict[int, list[Stretch]] = {}
    for share in shares_between(0, FOREVER, using):
        stretch = (share.start_ms, share.end_ms)
        own.setdefault(share.project_id, []).append(stretch)
        if share.institution_id in institutions:
            theirs.setdefault(share.project_id, []).append(stretch)
    for project in parents_first(parents)[0]:
        above = theirs.get(parents[project] or 0, [])
        inherited = without(above, own.get(project, []))
        if inherited:
            theirs[project] = [*theirs.get(project, []), *inherited]
    return frozenset(theirs)
