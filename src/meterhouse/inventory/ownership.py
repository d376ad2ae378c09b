"""Whose a resource is when its source does not say: rules over tags and names.

Project and user are found separately: each that the source left empty is the one given by the
first rule, in order, that matches and gives one. A rule whose ``*`` stands for nobody known does
not match. A changed rule applies to what is listed from then on.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from meterhouse.inventory import discovery
from meterhouse.inventory.discovery import KnownT
from meterhouse.inventory.models import OwnershipRule, Project, User
from meterhouse.metering.snapshots import Resource

Found = int | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two things a rule may give: an id, or what ``*`` stands for, or neither."""

    given: Found
    matched: bool

    def answer(self, star: str, named: Mapping[str, int]) -> Found:
        return named.get(star) if self.matched else self.given


@dataclass(frozen=True, slots=True)
class Rule:
    match: str
    pattern: re.Pattern[str]
    project: Side
    user: Side

    def stars(self, resource: Resource) -> Iterable[str]:
        """What ``*`` stands for in everything of the resource that the rule matches."""
        if self.match == "any":
            return ("",)
        texts = resource.tags if self.match == "tag" else (resource.name,)
        found = (self.pattern.fullmatch(text) for text in texts)
        return (match.group(1) if match.re.groups else "" for match in found if match)


@dataclass(frozen=True, slots=True)
class Owners:
    """Answers for all resources of one snapshot; asks the database once, when made.

    project_ids, user_ids: the source's own ids to ours
    projects, users:       what ``*`` may stand for, a source's id or a key, to our id
    """

    rules: Sequence[Rule]
    project_ids: Mapping[str, int]
    user_ids: Mapping[str, int]
    projects: Mapping[str, int]
    users: Mapping[str, int]

    def of(self, resource: Resource) -> tuple[Found, Found]:
        """The ids of project and user; None for nobody."""
        project, user = self.project_ids.get(resource.project), self.user_ids.get(resource.user)
        if project is None:
            project = self._first(resource, lambda rule: rule.project, self.projects)
        if user is None:
            user = self._first(resource, lambda rule: rule.user, self.users)
        return project, user

    def _first(
        self, resource: Resource, side: Callable[[Rule], Side], named: Mapping[str, int]
    ) -> Found:
        for rule in self.rules:
            gives = side(rule)
            if gives.given is not None or gives.matched:
                for star in rule.stars(resource):
                    found = gives.answer(star, named)
                    if found is not None:
                        return found
        return None


def owners(source: str, resources: Sequence[Resource]) -> Owners:
    rows = OwnershipRule.objects.filter(source__in=["", source]).order_by("position")
    rules = [_rule(row) for row in rows]
    return Owners(
        rules,
        discovery.refer(Project, source, {each.project for each in resources}),
        discovery.refer(User, source, {each.user for each in resources}),
        _named(Project, source) if any(rule.project.matched for rule in rules) else {},
        _named(User, source) if any(rule.user.matched for rule in rules) else {},
    )


def _rule(row: OwnershipRule) -> Rule:
    pattern = "(.*)".join(re.escape(part) for part in row.pattern.split("*", 1))
    return Rule(
        row.match,
        re.compile(pattern, re.DOTALL),
        Side(row.project_id, row.project_matched),
        Side(row.user_id, row.user_matched),
    )


def _named(model: type[KnownT], source: str) -> dict[str, int]:
    """Keys and, before them, the source's own ids, to our ids."""
    rows = list(model.objects.all())
    its_own = {row.external_id: row.pk for row in rows if row.source == source}
    return {row.key: row.pk for row in rows} | its_own
