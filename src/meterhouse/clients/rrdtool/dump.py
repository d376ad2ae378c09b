"""What ``rrdtool dump`` prints of a file, read as it comes.

    <rrd> <step>1</step> <lastupdate>1700000017</lastupdate>
      <ds> <name> w </name> <type> GAUGE </type> … </ds>                     one or more
      <rra> <cf>AVERAGE</cf> <pdp_per_row>10</pdp_per_row> <params><xff>0.5</xff> …</params> …
        <database> <row><v>1.0000000000e+02</v> …</row> … </database> </rra>  one or more

A row has a number for each source, and no time (only in a comment): the last one ends at the
newest multiple of its length that is not after the last update, each other one row earlier.
"""

from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.errors import BadReading

MOST_NUMBERS = 5_000_000  # of one file: 40 MB

_FAR_S = 2**40

Floats = NDArray[np.float64]


class Source(NamedTuple):
    """What is measured: by the file's own word, and as GAUGE, COUNTER, DERIVE, ABSOLUTE."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """Rows of equal length that follow one another.

    function: how a row was made of what was measured in it: AVERAGE, MAX, …
    step_s:   the length of a row; end_s: when the last one ends (seconds since 1970)
    value:    float64[rows, sources], oldest first, NaN where unknown
    xff:      the part of a row that may be unknown, and the row be known all the same
    """

    function: str
    step_s: int
    end_s: int
    value: Floats
    xff: float = 0.5

    @property
    def start_s(self) -> int:
        return self.end_s - len(self.value) * self.step_s


@dataclass(frozen=True, slots=True)
class Database:
    sources: tuple[Source, ...]
    archives: tuple[Archive, ...]


@dataclass(slots=True)
class _Found:
    """What an open element has said so far."""

    words: dict[str, str] = field(default_factory=dict)
    numbers: list[float] = field(default_factory=list)


class Reading:
    """Takes a dump piece by piece. Raises BadReading for what is none."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._hear
        # Without a document type there are no entities that could grow.
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._path: list[str] = []
        self._text = ""
        self._total = 0
        self._file, self._open = _Found(), _Found()
        self._sources: list[Source] = []
        self._rras: list[_Found] = []

    def feed(self, piece: bytes, *, is_last: bool = False) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            raise BadReading(f"rrdtool prints what cannot be read: {error}") from error

    def database(self) -> Database:
        """All that was said, once the last piece was taken."""
        try:
            return Database(tuple(self._sources), tuple(map(self._archive, self._rras)))
        except (KeyError, ValueError, ZeroDivisionError) as error:
            raise BadReading(f"rrdtool prints no whole database of it: {error!r}") from error

    def _archive(self, rra: _Found) -> Archive:
        step_s = int(self._file.words["step"]) * int(rra.words["pdp_per_row"])
        last_s = int(self._file.words["lastupdate"])
        value = np.array(rra.numbers, np.float64).reshape(-1, len(self._sources))
        xff = float(rra.words.get("xff", "0.5"))  # a forecast has none
        found = Archive(rra.words["cf"], step_s, last_s - last_s % step_s, value, xff)
        if not -_FAR_S < found.start_s <= found.end_s < _FAR_S:
            raise ValueError("its time is out of all reason")
        if not 0 <= xff <= 1:
            raise ValueError("it knows more than there is")
        return found

    def _begin(self, tag: str, _: dict[str, str]) -> None:
        self._path.append(tag)
        self._text = ""
        if self._path in (["rrd", "ds"], ["rrd", "rra"]):
            self._open = _Found()

    def _hear(self, text: str) -> None:
        self._text += text

    def _end(self, tag: str) -> None:
        if tag == "v":
            self._count(self._text)
        elif len(self._path) == 2:
            self._close(tag)
        elif len(self._path) == 3 or tag == "xff":
            self._open.words[tag] = self._text.strip()
        self._path.pop()
        self._text = ""

    def _close(self, tag: str) -> None:
        words = self._open.words
        if tag == "ds":
            self._sources.append(Source(words.get("name", ""), words.get("type", "")))
        elif tag == "rra":
            self._rras.append(self._open)
        else:
            self._file.words[tag] = self._text.strip()

    def _count(self, text: str) -> None:
        self._total += 1
        if self._total > MOST_NUMBERS:
            raise BadReading(f"it holds more than {MOST_NUMBERS:,} numbers")
        try:
            self._open.numbers.append(float(text))
        except ValueError as error:
            raise BadReading(f"{text!r} in it is no number") from error

    def _refuse(self, *_: object) -> None:
        raise BadReading("what rrdtool prints of it has a document type, and is not read")
