"""Parts of one source that fail on their own: one BMC of a rack, one meter behind a gateway."""

import logging

log = logging.getLogger(__name__)


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

    def said(self) -> str:
        """All that fails at present, in one line."""
        return "; ".join(f"{part}: {why}" for part, why in self.failing.items())
