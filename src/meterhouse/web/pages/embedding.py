"""Addresses of pictures that are shown where nobody logs in: a wiki, an e-mail, a wall screen.

Such an address carries a key that is good for one picture and nothing else: it names a login and a
period and probes, and is signed. What the picture shows is what that login may see whenever it is
asked for; when the login is closed, or its password changes, the key is worth nothing.
"""

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import urlencode

from meterhouse.live.probes import Probe
from meterhouse.web.pages.hall import Asked


def address_of(
    login: User, period: Asked, probe: Probe | None = None, *, words: str = "", kind: str = ""
) -> str:
    """The address of a picture, with its key."""
    name = period.window.name
    path = (
        reverse("picture-of", args=[name, probe.id]) if probe else reverse("picture", args=[name])
    )
    key = key_of(login, name, probe.resource if probe else "", words)
    query = {
        **period.query,
        **({"probes": words} if words else {}),
        **({"format": kind} if kind else {}),
        "login": str(login.pk),
        "key": key,
    }
    return f"{path}?{urlencode(query)}"


def key_of(login: User, window: str, resource: str, words: str) -> str:
    said = "\n".join((str(login.pk), login.get_session_auth_hash(), window, resource, words))
    return salted_hmac("meterhouse.picture", said, algorithm="sha256").hexdigest()[:32]


def login_by_key(said: str, key: str, window: str, resource: str, words: str) -> User | None:
    """The login that a key of a picture stands for; None if it is not right."""
    if not said.isdecimal() or len(said) > 18 or not key:
        return None
    login = User.objects.filter(pk=int(said), is_active=True).first()
    if login is None or not constant_time_compare(key, key_of(login, window, resource, words)):
        return None
    return login
