"""The six periods of Kwapi's pages: how long each is, and how finely it is looked at.

Source: Kwapi's plugins/rrd: lengths and resolutions of its archives, and the rule that a picture
is drawn anew only when it is older than its period's resolution.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from meterhouse.metering.periods import Period


class Window(NamedTuple):
    """A period that ends now.

    title:      as people say it
    length:     how far it reaches back
    resolution: how old a picture of it may be
    width:      of a bucket, so that some three hundred stand side by side
    """

    name: str
    title: str
    length: timedelta
    resolution: timedelta
    width: timedelta


def _window(name: str, title: str, length_s: int, resolution_s: int, width_s: int) -> Window:
    return Window(name, title, *(timedelta(seconds=s) for s in (length_s, resolution_s, width_s)))


_ALL = (
    _window("minute", "5 minutes", 300, 1, 1),
    _window("hour", "hour", 3600, 10, 10),
    _window("day", "day", 86_400, 900, 300),
    _window("week", "week", 604_800, 7200, 1800),
    _window("month", "month", 2_678_400, 21_600, 7200),
    # Kwapi: a week. The newest six days of it would be missing most of the time.
    _window("year", "year", 31_622_400, 86_400, 86_400),
)
WINDOWS: Mapping[str, Window] = MappingProxyType({window.name: window for window in _ALL})

_POINTS = 400
_WIDTHS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400, 7 * 86_400)


def width_of(period: Period) -> timedelta:
    """The width of buckets for any period; that of a window for one as long as it."""
    for window in _ALL:
        if period.length == window.length:
            return window.width
    least = period.length.total_seconds() / _POINTS
    return timedelta(seconds=next((each for each in _WIDTHS_S if each >= least), _WIDTHS_S[-1]))


def resolution_of(period: Period) -> timedelta:
    """How old a picture of any period may be: in proportion, as the windows have it."""
    longer = (window for window in _ALL if window.length >= period.length)
    return next(longer, _ALL[-1]).resolution
