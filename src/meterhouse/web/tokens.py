"""Bearer tokens of the API: many for one login, named, expiring, hashed, shown once."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from meterhouse.metering.errors import Mistake
from meterhouse.web.models import Token

PREFIX = "mh_"
"""So that a token that was committed by mistake can be searched for."""

MOST = 50
"""Of one login, that have neither expired nor been revoked."""

LASTING = timedelta(days=365)
"""How long a token lasts unless something else is asked for."""

_USED_EVERY = timedelta(minutes=1)  # a write for every request would be one too many


def issue(login: User, name: str, *, expires: datetime | None, now: datetime) -> str:
    """Make a token and return its text, which is kept nowhere. Raises Mistake if there are too
    many.
    """
    if alive(login, now=now).count() >= MOST:
        raise Mistake(f"a login has at most {MOST} tokens; revoke some that are not used any more")
    text = PREFIX + secrets.token_urlsafe(32)
    Token.objects.create(
        login=login,
        name=name,
        beginning=text[:9],
        digest=_digest(text),
        created=now,
        expires=expires,
    )
    return text


def login_of(text: str, *, now: datetime) -> User | None:
    """Whose token this is; None if it is nobody's, has expired or was revoked."""
    token = (
        Token.objects.select_related("login")
        .filter(Q(expires=None) | Q(expires__gt=now), digest=_digest(text), revoked=None)
        .filter(login__is_active=True)
        .first()
    )
    if token is None:
        return None
    if token.last_used is None or now - token.last_used >= _USED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used=now)
    return token.login


def alive(login: User, *, now: datetime) -> "QuerySet[Token]":
    """The tokens of a login that open doors."""
    return Token.objects.filter(Q(expires=None) | Q(expires__gt=now), login=login, revoked=None)


def revoke(login: User, token_id: int, *, now: datetime) -> bool:
    """End one of a login's own tokens for ever. Returns whether this call did it."""
    mine = Token.objects.filter(pk=token_id, login=login, revoked=None)
    return mine.update(revoked=now) == 1


def _digest(text: str) -> str:
    """SHA-256 without salt is enough for 256 random bits, and can be looked up."""
    return hashlib.sha256(text.encode()).hexdigest()
