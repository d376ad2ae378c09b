"""What a source remembers over a restart: a small JSON document, in a file of its own.

Where a counter stood, and how often it has turned, decides what its next number means. A reader
that is started again, or a second one beside it (``collect --once``), goes on from there.
"""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

log = logging.getLogger(__name__)

KEPT_EVERY_MS = 60_000
"""What changes with every reading is written so often; what decides, before it is published."""


class Memory:
    """One source's. Without a file it is forgotten when the source is closed.

    said: what was noted last, by name
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._kept_ms = 0
        self._is_told = False
        self.said: dict[str, Any] = self._read()

    def refresh(self) -> None:
        """Take what another reader may have noted meanwhile."""
        if self._file is not None:
            self.said = self._read() or self.said

    def note(self, name: str, value: object, at_ms: int, *, at_once: bool = False) -> None:
        """Remember a value; it is written at once, or when it is time."""
        self.said[name] = value
        if at_once or not 0 <= at_ms - self._kept_ms < KEPT_EVERY_MS:
            self._kept_ms = at_ms
            self.write()

    def write(self) -> None:
        """Replace the file in one step. A disk that is full is said once, and reading goes on."""
        if self._file is None or not self.said:
            return
        try:
            _replace(self._file, msgspec.json.encode(self.said))
        except OSError as error:
            if not self._is_told:
                log.warning("cannot keep where counters stand", extra={"error": str(error)})
            self._is_told = True

    def _read(self) -> dict[str, Any]:
        """Nothing where there is no file, or one that somebody damaged."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict) if self._file else {}
        except (OSError, ValueError):
            return {}


def _replace(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(number, "wb") as written:
            written.write(content)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
