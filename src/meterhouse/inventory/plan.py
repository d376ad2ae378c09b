"""From a declaration to what has to be done, and doing it: all of it or nothing.

What the file does not have stays, unless it says ``[options] prune = true``; but its rules, if it
has any, replace all rules, because their order matters. Memberships, shares and terms hold for
the time the file gives; what is known of other times stays. Nothing dated is deleted: what a file
replaces is withdrawn and can still be seen.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from meterhouse.inventory import house
from meterhouse.inventory.declared import Declaration
from meterhouse.inventory.house import Findings, Shelf
from meterhouse.inventory.models import Institution, Membership, Project, Share, User
from meterhouse.inventory.plan_dated import Book, plan_dated
from meterhouse.inventory.plan_known import plan_known, plan_places
from meterhouse.inventory.plan_rules import plan_rules
from meterhouse.inventory.plan_terms import plan_terms
from meterhouse.inventory.scope import funded_by_anybody
from meterhouse.metering.periods import to_ms


@dataclass(frozen=True, slots=True)
class Difference:
    """What a declaration changes, a line each: ``+`` new, ``~`` changed, ``-`` gone.

    notes: what else to know, in sentences
    """

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lines)


def plan(declaration: Declaration, *, now: datetime) -> Difference:
    """Say what applying would change. Raises Mistakes with everything that is wrong."""
    return _difference(_plan(declaration, to_ms(now)))


def apply(declaration: Declaration, *, now: datetime) -> Difference:
    """Make the house as declared, and say what changed. Raises Mistakes and changes nothing.

    now: from when changes hold that the file does not date itself
    """
    with transaction.atomic():
        findings = _plan(declaration, to_ms(now))
        for step in findings.steps:
            step.do()
    return _difference(findings)


def _difference(findings: Findings) -> Difference:
    lines = tuple(step.line for step in findings.steps if step.line)
    if not findings.staying:
        return Difference(lines)
    note = (
        f"Declared before, not in the file, left as they are: {findings.staying}. "
        "To remove such, write prune = true under [options]."
    )
    return Difference(lines, (note,))


def _plan(declaration: Declaration, now_ms: int) -> Findings:
    findings = Findings(now_ms, prune=declaration.prune)
    institutions = Shelf.load("institution", Institution)
    projects = Shelf.load("project", Project)
    users = Shelf.load("user", User)
    gone = [
        *plan_known(institutions, declaration.institutions, findings),
        *plan_known(projects, declaration.projects, findings),
        *plan_known(users, declaration.users, findings),
    ]
    plan_places(projects, declaration.projects, findings)
    members = Book("membership", Membership, "role", users, projects, lambda pair: pair)
    funds = Book("share", Share, "weight", projects, institutions, lambda pair: pair[0])
    if declaration.memberships:
        members = replace(members, begun=house.members_ever())
    if declaration.shares:
        funds = replace(funds, begun=funded_by_anybody(findings.now_ms))
    plan_dated(members, house.memberships(), declaration.memberships, findings)
    plan_dated(funds, house.shares(), declaration.shares, findings)
    plan_terms(declaration.terms, findings)
    if declaration.rules is not None or declaration.prune:
        plan_rules(projects, users, house.rules(), declaration.rules or (), findings)
    findings.steps += gone
    declaration.refuse(*findings.flaws)
    return findings
