"""Settings as text, read strictly: a value that is not understood stops the start by its name."""

from collections.abc import Mapping
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured


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
