"""What ids are called, for one reader, and where their pages are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from meterhouse.inventory import reading
from meterhouse.inventory.facts import FOREVER, InstitutionInfo, ProjectInfo, ShareRow, UserInfo
from meterhouse.inventory.scope import Scope
from meterhouse.web.rights import scope_in


@dataclass
class Names:
    """Everything by its id, read when it is first asked for. What may not be seen is not there."""

    scope: Scope

    @cached_property
    def institutions(self) -> dict[int, InstitutionInfo]:
        return {each.id: each for each in reading.institutions(self.scope)}

    @cached_property
    def projects(self) -> dict[int, ProjectInfo]:
        """In the order of the tree."""
        return {each.id: each for each in reading.projects(self.scope)}

    @cached_property
    def users(self) -> dict[int, UserInfo]:
        return {each.id: each for each in reading.users(self.scope)}

    @cached_property
    def shares(self) -> tuple[ShareRow, ...]:
        return reading.shares(self.scope)

    @cached_property
    def institution_keys(self) -> frozenset[str]:
        return frozenset(each.key for each in self.institutions.values())

    @cached_property
    def project_keys(self) -> frozenset[str]:
        return frozenset(each.key for each in self.projects.values())

    @cached_property
    def user_keys(self) -> frozenset[str]:
        return frozenset(each.key for each in self.users.values())

    def project(self, number: int | None) -> str:
        found = self.projects.get(number or 0)
        return " / ".join(found.path) if found else ""

    def project_url(self, number: int | None) -> str:
        found = self.projects.get(number or 0)
        return reverse("project", args=[found.key]) if found else ""

    def user(self, number: int | None) -> str:
        found = self.users.get(number or 0)
        return found.name if found else ""

    def user_url(self, number: int | None) -> str:
        found = self.users.get(number or 0)
        return reverse("user", args=[found.key]) if found else ""

    def below(self, project: ProjectInfo) -> list[ProjectInfo]:
        """The projects under one, in the order of the tree."""
        return [each for each in self.projects.values() if project.id in each.ancestors]

    def shares_now(self, project: ProjectInfo, now_ms: int) -> "Funding":
        """Who funds a project now: its own shares, or those of the nearest above that has any."""
        for number in (project.id, *reversed(project.ancestors)):
            held = [
                share
                for share in self.shares
                if share.project_id == number and share.start_ms <= now_ms < share.end_ms
            ]
            if held:
                return Funding(number, tuple(held))
        return Funding(None, ())


@dataclass(frozen=True, slots=True)
class Funding:
    """The shares in force, and the id of the project that they are declared for."""

    project_id: int | None
    shares: tuple[ShareRow, ...]

    def parts(self, names: Names) -> list[tuple[str, float]]:
        """Institutions' names to their parts of 1, largest first."""
        whole = sum(share.weight for share in self.shares)
        ordered = sorted(self.shares, key=lambda share: -share.weight)
        return [
            (names.institutions[share.institution_id].name, share.weight / whole)
            for share in ordered
            if share.institution_id in names.institutions
        ]


def names_for(request: HttpRequest) -> Names:
    return Names(scope_in(request))


def address(name: str, query: Mapping[str, str]) -> str:
    """A page's address with what it is asked; any key may stand in it."""
    return f"{reverse(name)}?{urlencode(query)}"


def has_ended(ended_ms: int) -> bool:
    return ended_ms != FOREVER
