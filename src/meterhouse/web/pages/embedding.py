"""Addresses of pictures that are shown where nobody logs in: a wiki, an e-mail, a wall screen.

Such an address carries a key that is good for one picture and nothing else: it names a login, a
period, its moments if they are given, and probes, and is signed. What the picture shows is what
that login may see whenever it is asked for; when the login is closed, or its password changes, or
its last day is over, the key is worth nothing.
"""

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import urlencode

from meterhouse.live.probes import Probe
from meterhouse.web.pages.hall import Asked


class Said(NamedTuple):
    """What an address says that its key is good for; "" where it says nothing.

    resource: the whole key of the one probe; words: the choice; start, end: as they are written
    """

    window: str
    resource: str
    words: str
    start: str
    end: str


LASTING = timedelta(days=365)


def address_of(
    login: User,
    period: Asked,
    probe: Probe | None = None,
    *,
    words: str = "",
    kind: str = "",
    now: datetime,
) -> str:
    """The address of a picture, with its key, which is good for a year."""
    name = period.window.name
    exactly = period.query
    path = (
        reverse("picture-of", args=[name, probe.id]) if probe else reverse("picture", args=[name])
    )
    said = Said(
        name,
        probe.resource if probe else "",
        words,
        exactly.get("from", ""),
        exactly.get("to", ""),
    )
    query = {
        **exactly,
        **({"probes": words} if words else {}),
        **({"format": kind} if kind else {}),
        "login": str(login.pk),
        "key": key_of(login, said, f"{now + LASTING:%Y%m%d}"),
    }
    return f"{path}?{urlencode(query)}"


def key_of(login: User, said: Said, last_day: str) -> str:
    """last_day: on which it is good, UTC: 20271231. It stands in front of the key."""
    signed = json.dumps([login.pk, login.get_session_auth_hash(), *said, last_day])
    digest = salted_hmac("meterhouse.picture", signed, algorithm="sha256").hexdigest()
    return f"{last_day}-{digest[:32]}"


def login_by_key(number: str, key: str, said: Said, *, now: datetime) -> User | None:
    """The login that a key of a picture stands for; None if it is not right, or over."""
    if not number.isdecimal() or len(number) > 18 or not key:
        return None
    login = User.objects.filter(pk=int(number), is_active=True).first()
    last_day = key.partition("-")[0]
    if login is None or not constant_time_compare(key, key_of(login, said, last_day)):
        return None
    if last_day < f"{now:%Y%m%d}":
        return None
    return login
