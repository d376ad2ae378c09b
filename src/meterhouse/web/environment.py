"""Settings as text, read strictly: a value that is not understood stops the start by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from meterhouse.clients.keystone.account import Account
from meterhouse.metering.secrets import Secret


def flag(environment: Mapping[str, str], name: str) -> bool:
    """Whether it says yes; it says no if it is not set."""
    text = environment.get(name, "no")
    if text not in {"yes", "no"}:
        raise ImproperlyConfigured(f"{name}: {text!r} is neither yes nor no")
    return text == "yes"


def days(environment: Mapping[str, str], name: str, default: int | None) -> timedelta | None:
    """A whole number of days, or "forever", which is None."""
    text = environment.get(name)
    if text is None:
        return None if default is None else timedelta(days=default)
    if text == "forever":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise ImproperlyConfigured(f'{name}: {text!r} is no number of days, nor "forever"')
    return timedelta(days=int(text))


def retentions(environment: Mapping[str, str]) -> tuple[timedelta | None, ...]:
    """How long raw samples, minutes and hours are kept; None is for ever."""
    names = ("METERHOUSE_KEEP_RAW", "METERHOUSE_KEEP_MINUTES", "METERHOUSE_KEEP_HOURS")
    found = [days(environment, *each) for each in zip(names, (30, 365, None), strict=True)]
    lengths = [timedelta.max if length is None else length for length in found]
    if lengths != sorted(lengths):
        raise ImproperlyConfigured(
            f"{', '.join(names)}: finer samples cannot be kept longer than coarser ones"
        )
    return tuple(found)


def seconds(environment: Mapping[str, str], name: str, default: int) -> int:
    """A whole number of seconds, as milliseconds."""
    text = environment.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise ImproperlyConfigured(f"{name}: {text!r} is no number of seconds from 1 on")
    return int(text) * 1000


@dataclass(frozen=True, slots=True)
class KeystoneSettings:
    """role: that a token needs; remembered_ms: for how long its word is believed."""

    account: Account
    role: str
    remembered_ms: int


def keystone(environment: Mapping[str, str]) -> KeystoneSettings | None:
    """Where Keystone is and who asks it; None if there is none."""
    url = environment.get("METERHOUSE_KEYSTONE_URL", "")
    remembered_ms = seconds(environment, "METERHOUSE_KEYSTONE_REMEMBER", 300)
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(
            f"METERHOUSE_KEYSTONE_URL: {url!r} does not begin with https:// or http://"
        )
    account = Account(
        url=url,
        user=_given(environment, "METERHOUSE_KEYSTONE_USER"),
        password=_password(environment, "METERHOUSE_KEYSTONE_PASSWORD_FILE"),
        project=environment.get("METERHOUSE_KEYSTONE_PROJECT", "service"),
        user_domain=environment.get("METERHOUSE_KEYSTONE_USER_DOMAIN", "Default"),
        project_domain=environment.get("METERHOUSE_KEYSTONE_PROJECT_DOMAIN", "Default"),
        certificate=environment.get("METERHOUSE_KEYSTONE_CERTIFICATE", ""),
    )
    role = environment.get("METERHOUSE_KEYSTONE_ROLE", "admin")
    return KeystoneSettings(account, role, remembered_ms)


def _given(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise ImproperlyConfigured(f"{name}: is needed with METERHOUSE_KEYSTONE_URL")
    return environment[name]


def _password(environment: Mapping[str, str], name: str) -> Secret:
    path = Path(_given(environment, name))
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}: {path} cannot be read: {error}") from error
    if not text:
        raise ImproperlyConfigured(f"{name}: {path} is empty")
    return Secret(text)
