"""How a login ends: closed or deleted, its tokens and sessions with it, and its rights taken back.

One login that sees everything and may come in is always left: nobody else could let people in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from meterhouse.metering.errors import Mistake
from meterhouse.web.models import Token


@dataclass(frozen=True, slots=True)
class Ended:
    """How many tokens and sessions of a login were ended."""

    tokens: int
    sessions: int

    def __str__(self) -> str:
        return f"{self.tokens} tokens and {self.sessions} sessions ended"


def named(name: str) -> User:
    """The login of a name. Raises Mistake."""
    login = get_user_model().objects.filter(username=name).first()
    if login is None:
        raise Mistake(f"there is no login {name}")
    return login


def close(login: User, *, now: datetime) -> Ended:
    """Nobody comes in with it until it is reopened. Raises Mistake for the last of those who see
    everything.
    """
    with _others_left(login):
        get_user_model().objects.filter(pk=login.pk).update(is_active=False)
        return end(login, now=now)


def reopen(login: User) -> str:
    """It may come in again, with its password; its tokens and sessions are not brought back.
    Says so.
    """
    get_user_model().objects.filter(pk=login.pk).update(is_active=True)
    return "may come in again"


def delete(login: User, *, now: datetime) -> Ended:
    """Forget it with its rights and tokens. Raises Mistake as ``close`` does."""
    with _others_left(login):
        ended = end(login, now=now)
        get_user_model().objects.filter(pk=login.pk).delete()
        return ended


def take_everything(login: User) -> str:
    """It sees what it is granted from now on; says so. Raises Mistake as ``close`` does."""
    with _others_left(login):
        get_user_model().objects.filter(pk=login.pk).update(is_staff=False, is_superuser=False)
        return "sees what it is granted, and no more"


def give_everything(login: User) -> None:
    get_user_model().objects.filter(pk=login.pk).update(is_staff=True, is_superuser=True)


def end(login: User, *, now: datetime, sparing: str | None = None) -> Ended:
    """End its tokens for ever, and its sessions. sparing: the key of a session that may go on."""
    return Ended(end_tokens(login, now=now), end_sessions(login, sparing=sparing))


def end_tokens(login: User, *, now: datetime) -> int:
    return Token.objects.filter(login=login, revoked=None).update(revoked=now)


def end_sessions(login: User, *, sparing: str | None = None) -> int:
    """End its sessions, all or all but one; returns how many."""
    mine = [one.pk for one in sessions(login) if one.pk != sparing]
    return Session.objects.filter(pk__in=mine).delete()[0]


def sessions(login: User) -> list[Session]:
    """The sessions of a login that have not expired. Reads all there are: they say whose they are
    only when they are opened.
    """
    number = str(login.pk)
    return [one for one in Session.objects.iterator() if _whose(one) == number]


def _whose(session: Session) -> str:
    return str(session.get_decoded().get(SESSION_KEY, ""))


_EVERYTHING = Q(is_staff=True) | Q(is_superuser=True)


@contextmanager
def _others_left(login: User) -> Iterator[None]:
    """Refuse to touch the last login that sees everything; two at once wait for each other."""
    with transaction.atomic():
        seeing = get_user_model().objects.select_for_update().filter(_EVERYTHING, is_active=True)
        left = {each.pk for each in seeing}
        if left == {login.pk}:
            raise Mistake(
                f"login {login.get_username()} is the last that sees everything; "
                "let another see everything first"
            )
        yield
