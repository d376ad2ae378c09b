"""Parts of one source that fail on their own: one BMC of a rack, one meter behind a gateway."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

log = logging.getLogger(__name__)

NAMED_AT_MOST = 3  # of those that lack the same


def lacks(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """``Reading.lacking`` from pairs of what is lacking and who lacks it, one line for the same.

    [("no power", "a"), ("no power", "b")] is ("no power: a, b",)
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    for what, name in pairs:
        names[what].append(name)
    return tuple(f"{what}: {listed(some)}" for what, some in names.items())


def listed(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


class Parts:
    """Which parts of a source fail, and why.

    A part that fails costs its own values only, so the source's runs stay good and nobody would
    hear of it. Here is one line in the log when a part goes, and one when it is back; not one a
    second.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self.failing: dict[str, str] = {}

    def failed(self, part: str, why: object) -> None:
        """part: in words that begin a sentence: "unit 3"."""
        if part not in self.failing:
            log.warning("%s: %s", part, why, extra={"source": self._source})
        self.failing[part] = str(why)

    def works(self, part: str) -> None:
        if self.failing.pop(part, None) is not None:
            log.info("%s is back", part, extra={"source": self._source})

    @property
    def lacking(self) -> tuple[str, ...]:
        """As in ``Reading``."""
        return lacks((why, part) for part, why in self.failing.items())

    def said(self) -> str:
        """All that fails at present, in one line."""
        return "; ".join(f"{part}: {why}" for part, why in self.failing.items())
