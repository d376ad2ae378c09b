"""Writes atoms down as rows, along any axis."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meterhouse.usage.atoms import Atoms, totals
from meterhouse.usage.quantities import NOTHING, Quantities
from meterhouse.usage.report import Axis, Row
from meterhouse.usage.shares import NOBODY

UNASSIGNED = "unassigned"
"""Key of the row for what has no institution, project or user."""


@dataclass(frozen=True, slots=True)
class Named:
    """What something is called: key for programs, name for people."""

    key: str
    name: str


NONE = Named(UNASSIGNED, "Unassigned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the ids in atoms stand for.

    parents:   project to the project above it, None at the top
    resources: key to name
    """

    institutions: Mapping[int, Named] = field(default_factory=dict)
    projects: Mapping[int, Named] = field(default_factory=dict)
    parents: Mapping[int, int | None] = field(default_factory=dict)
    users: Mapping[int, Named] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)

    def project(self, project: int) -> Named:
        return self.projects.get(project, NONE)

    def paths(self, nameable: Iterable[int]) -> dict[int, str]:
        """Project to path. A path does not go up beyond the first project not nameable."""
        allowed, found = frozenset(nameable), {NOBODY: NONE.name}
        for project in allowed & self.projects.keys():
            parts, at = [self.projects[project].name], self.parents[project]
            while at in allowed:
                parts.append(self.projects[at].name)
                at = self.parents[at]
            found[project] = " / ".join(reversed(parts))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Atoms and what they are called.

    listed:  projects that may have a line of their own; one without use has a line only above
             one with use
    paths:   project to path, of all that occur, NOBODY among them
    """

    atoms: Atoms
    names: Names
    listed: frozenset[int]
    paths: Mapping[int, str]

    def rows(self, by: Axis) -> Iterator[Row]:
        write: dict[Axis, Callable[[], Iterator[Row]]] = {
            Axis.INSTITUTION: self._institutions,
            Axis.PROJECT: self._projects,
            Axis.USER: self._users,
            Axis.RESOURCE: self._resources,
        }
        return write[by]()

    def _institutions(self) -> Iterator[Row]:
        atoms = self.atoms
        parts: dict[int, dict[int, Quantities]] = {}
        for (institution, project), used in totals(
            atoms, atoms.institution, atoms.project
        ).items():
            parts.setdefault(institution, {})[project] = used
        whole = {key[0]: used for key, used in totals(atoms, atoms.institution).items()}
        for institution in sorted(parts, key=_order(self.names.institutions)):
            named = self.names.institutions.get(institution, NONE)
            used = whole[institution]
            yield Row(
                axis=Axis.INSTITUTION,
                key=named.key,
                name=named.name,
                path=named.name,
                institution=named.key,
                own=used,
                subtree=used,
            )
            yield from self._tree(parts[institution], depth=1, institution=named.key)

    def _projects(self) -> Iterator[Row]:
        own = totals(self.atoms, self.atoms.project)
        return self._tree({project: used for (project,), used in own.items()})

    def _tree(
        self, own: Mapping[int, Quantities], *, depth: int = 0, institution: str = ""
    ) -> Iterator[Row]:
        """The projects with use and those above them, parents first, by name."""
        children = self._children(own)
        subtree: dict[int, Quantities] = {}
        order = list(_downwards(children, depth))
        for project, _ in reversed(order):
            subtree[project] = own.get(project, NOTHING)
            for child in children.get(project, ()):
                subtree[project] += subtree[child]
        for project, level in order:
            named = self.names.project(project)
            yield Row(
                axis=Axis.PROJECT,
                key=named.key,
                name=named.name,
                path=self.paths[project],
                depth=level,
                institution=institution,
                project=named.key if project else "",
                project_path=self.paths[project] if project else "",
                own=own.get(project, NOTHING),
                subtree=subtree[project],
            )

    def _children(self, used: Iterable[int]) -> dict[int | None, list[int]]:
        """Project, and None for the top, to the listed projects right below it, by name.

        A project whose parent is not listed is at the top.
        """
        children: dict[int | None, list[int]] = {}
        done: set[int] = set()
        for project in used:
            at: int | None = project
            while at is not None and at not in done:
                done.add(at)
                above = self.names.parents.get(at)
                above = above if above in self.listed else None
                children.setdefault(above, []).append(at)
                at = above
        for siblings in children.values():
            siblings.sort(key=_order(self.names.projects))
        return children

    def _users(self) -> Iterator[Row]:
        used = totals(self.atoms, self.atoms.user, self.atoms.project)
        user = _ranks({user for user, _ in used}, _order(self.names.users))
        path = _ranks({project for _, project in used}, self._by_path)
        for who, project in sorted(used, key=lambda key: (user[key[0]], path[key[1]])):
            named = self.names.users.get(who, NONE)
            yield self._leaf(Axis.USER, named, project, used[who, project])

    def _resources(self) -> Iterator[Row]:
        atoms = self.atoms
        used = totals(atoms, atoms.resource, atoms.project)
        keys, kinds = atoms.resources, self._kinds()
        called = {r: Named(keys[r], self.names.resources.get(keys[r], keys[r])) for r, _ in used}
        name = _ranks(called, _order(called))
        path = _ranks({project for _, project in used}, self._by_path)
        for what, project in sorted(used, key=lambda key: (path[key[1]], name[key[0]])):
            mine = used[what, project]
            yield self._leaf(Axis.RESOURCE, called[what], project, mine, kind=kinds[what])

    def _kinds(self) -> dict[int, str]:
        atoms = self.atoms
        kinds = [kind for _, kind in atoms.origins]
        pairs = zip(atoms.resource.tolist(), atoms.origin.tolist(), strict=True)
        return {resource: kinds[origin] for resource, origin in dict(pairs).items()}

    def _by_path(self, project: int) -> tuple[bool, str, int]:
        return project == NOBODY, self.paths[project].casefold(), project

    def _leaf(
        self, axis: Axis, named: Named, project: int, used: Quantities, *, kind: str = ""
    ) -> Row:
        """A row that has nothing below it, and names the project it belongs to."""
        return Row(
            axis=axis,
            key=named.key,
            name=named.name,
            path=named.name,
            project=self.names.project(project).key if project else "",
            project_path=self.paths[project] if project else "",
            kind=kind,
            own=used,
            subtree=used,
        )


def _order(named: Mapping[int, Named]) -> Callable[[int], tuple[bool, str, str]]:
    """By name as people sort, then by key; what has no name comes last."""

    def order(each: int) -> tuple[bool, str, str]:
        known = named.get(each, NONE)
        return each not in named, known.name.casefold(), known.key

    return order


def _ranks(ids: Iterable[int], order: Callable[[int], tuple[Any, ...]]) -> dict[int, int]:
    """The place of each in their order: whole numbers sort faster than names."""
    return {each: place for place, each in enumerate(sorted(ids, key=order))}


def _downwards(
    children: Mapping[int | None, Sequence[int]], depth: int
) -> Iterator[tuple[int, int]]:
    """Every project with its depth, parents before their children."""
    waiting = [(project, depth) for project in reversed(children.get(None, ()))]
    while waiting:
        project, level = waiting.pop()
        yield project, level
        waiting.extend((child, level + 1) for child in reversed(children.get(project, ())))
