"""Logins of the demo that see a part of it, as an institution, a project and a user would."""

from collections.abc import Iterator
from dataclasses import dataclass

from meterhouse.web import logins


@dataclass(frozen=True, slots=True)
class Guest:
    """sees: in words; institution, project, user: the key of what it is granted, "" if none."""

    name: str
    sees: str
    institution: str = ""
    project: str = ""
    user: str = ""


GUESTS = (
    Guest(
        "harbor", "what Harbor State University pays for", institution="harbor-state-university"
    ),
    Guest("genomics", "the project Genomics with all below it", project="genomics"),
    Guest("camila", "what is hers", user="camila-duarte"),
)


def make_guests() -> Iterator[str]:
    """Make them, and say of each how to log in."""
    for guest in GUESTS:
        password = logins.generated_password()
        logins.set_password(guest.name, password, everything=False)
        logins.grant(
            guest.name,
            institutions=[guest.institution] if guest.institution else [],
            projects=[guest.project] if guest.project else [],
            user=guest.user or None,
        )
        yield f"Log in as {guest.name}, who sees {guest.sees}: {password}  (shown once)"
