"""Plans what becomes of the ownership rules: their order matters, so the file's replace all."""

from collections.abc import Iterator, Sequence
from typing import Any

from meterhouse.inventory.declared import STAR, DeclaredRule
from meterhouse.inventory.house import Findings, Shelf
from meterhouse.inventory.models import OwnershipRule, Project, User

Rule = tuple[str, str, str, str, str]
"""source, match, pattern, project's key, user's key; ``*`` for whom the pattern names."""


def plan_rules(
    projects: Shelf[Project],
    users: Shelf[User],
    rules: Sequence[OwnershipRule],
    declared: Sequence[DeclaredRule],
    findings: Findings,
) -> None:
    for each in declared:
        for shelf, key in ((projects, each.project), (users, each.user)):
            if key not in ("", STAR):
                shelf.known(key, each.where, findings)
    was = [as_rule(row, projects.names(), users.names()) for row in rules]
    wanted = [
        (each.source, each.match, each.pattern, each.project, each.user) for each in declared
    ]
    if was != wanted:
        for line in _lines(was, wanted):
            findings.step(line, lambda: None)
        findings.silent(lambda: _replace(projects, users, wanted))


def _lines(was: Sequence[Rule], wanted: Sequence[Rule]) -> Iterator[str]:
    for number, rule in enumerate(was, 1):
        if rule not in wanted:
            yield f"- rule {number}: {_told(rule)}"
    for number, rule in enumerate(wanted, 1):
        if rule not in was:
            yield f"+ rule {number}: {_told(rule)}"
        elif was.index(rule) != number - 1:
            yield f"~ rule {was.index(rule) + 1}: now {number}: {_told(rule)}"


def as_rule(row: OwnershipRule, projects: dict[int, str], users: dict[int, str]) -> Rule:
    project = STAR if row.project_matched else projects.get(row.project_id or 0, "")
    user = STAR if row.user_matched else users.get(row.user_id or 0, "")
    return (row.source, row.match, row.pattern, project, user)


def _told(rule: Rule) -> str:
    source, match, pattern, project, user = rule
    what = f'{match} "{pattern}"' if match != "any" else "anything"
    origin = f" of {source}" if source else ""
    gives = [f"project {project}"] if project else []
    gives += [f"user {user}"] if user else []
    return f"{what}{origin} -> {', '.join(gives)}"


def _replace(projects: Shelf[Project], users: Shelf[User], wanted: Sequence[Rule]) -> None:
    OwnershipRule.objects.all().delete()
    OwnershipRule.objects.bulk_create(
        OwnershipRule(
            position=position,
            source=source,
            match=match,
            pattern=pattern,
            **_side("project", project, projects),
            **_side("user", user, users),
        )
        for position, (source, match, pattern, project, user) in enumerate(wanted, 1)
    )


def _side(word: str, key: str, shelf: Shelf[Any]) -> dict[str, Any]:
    return {word: shelf.after.get(key), f"{word}_matched": key == STAR}
