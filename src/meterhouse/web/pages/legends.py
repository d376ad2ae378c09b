"""The legend of a page of power: figures of all together, and a table of the probes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from django.http import QueryDict
from django.urls import reverse

from meterhouse.live import figures
from meterhouse.live.amounts import cost, emitted, energy
from meterhouse.live.figures import Figure, figure
from meterhouse.live.legend import Row
from meterhouse.live.looks import Look
from meterhouse.live.probes import Probe
from meterhouse.live.stack import stack
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.periods import from_ms
from meterhouse.store.reading import Levels
from meterhouse.web.pages.tables import Column, Table, page_number, plain, require_page

SIZE = 40
SPARK_POINTS = 48

Numbers = list[float]


@dataclass(frozen=True, slots=True)
class Line:
    """One probe as the table shows it.

    colour:  of its band
    past:    sparkline, gaps left out
    silent:  since when nothing was heard of it (ms); None while it answers
    """

    probe: Probe
    row: Row
    colour: int
    past: Numbers
    silent: int | None

    @property
    def url(self) -> str:
        return reverse("probe", args=[self.probe.id])

    @property
    def is_partial(self) -> bool:
        return self.row.covered < 0.9995

    @property
    def figures(self) -> "Figures":
        return Figures.of(self.row)


@dataclass(frozen=True, slots=True)
class Figures:
    """A row, written for people."""

    minimum: Figure
    average: Figure
    maximum: Figure
    last: Figure
    kwh: Figure
    cost: Figure
    emitted: Figure
    covered: str

    @classmethod
    def of(cls, row: Row) -> "Figures":
        return cls(
            figure(row.minimum, "W"),
            figure(row.average, "W"),
            figure(row.maximum, "W"),
            figure(row.last, "W"),
            energy(row.kwh),
            cost(row.costs),
            emitted(row.grams),
            "< 1\N{NO-BREAK SPACE}%" if 0 < row.covered < 0.005 else figures.percent(row.covered),
        )


_SORTS: Mapping[str, tuple[str, Callable[[Line], float]]] = {
    "min": ("Min", lambda line: _known(line.row.minimum)),
    "avg": ("Avg", lambda line: _known(line.row.average)),
    "max": ("Max", lambda line: _known(line.row.maximum)),
    "last": ("Last", lambda line: _known(line.row.last)),
    "kwh": ("Energy", lambda line: _known(line.row.kwh)),
    "cost": ("Cost", lambda line: float(sum(line.row.costs.values()))),
    "co2e": ("CO₂e", lambda line: float(line.row.grams or -1)),
    "known": ("Known", lambda line: line.row.covered),
}
ORDERS = ("name", *_SORTS)


def _known(value: float | None) -> float:
    return -1 if value is None else value


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: where a click leads, and how it is sorted now: "", "up" or "down"."""

    key: str
    title: str
    url: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The legend as a page shows it.

    lines: those of the page that is shown; all: how many there are; found: that fit the search
    """

    total: Figures
    row: Row
    lines: Sequence[Line]
    heads: Sequence[Head]
    all: int
    found: int
    first: int
    last: int
    before: str
    after: str
    find: str
    base: str
    sort: str
    answering: int
    watts: Figure
    is_live: bool
    table: Table[Line]
    has_costs: bool
    has_carbon: bool
    some_unknown: bool


def shown(look: Look, newest: Levels, query: QueryDict, base: str, *, is_live: bool) -> Shown:
    """base: the address of the legend, with the period and the choice."""
    lines, standing = _lines(look, newest)
    find, sort = query.get("find", "").strip(), query.get("sort") or "-kwh"
    fitting = _sorted([line for line in lines if _fits(line, find.casefold())], sort)
    number = page_number(query)
    require_page(number, SIZE, len(fitting))
    first = (number - 1) * SIZE
    to = _Addresses(base, sort, find)
    total = look.legend.total
    return Shown(
        total=Figures.of(total),
        row=total,
        lines=_with_past(fitting[first : first + SIZE], look),
        heads=[to.head("name", "Probe"), *(to.head(key, _SORTS[key][0]) for key in _SORTS)],
        all=len(lines),
        found=len(fitting),
        first=first + 1,
        last=min(first + SIZE, len(fitting)),
        before=to.page(number - 1) if number > 1 else "",
        after=to.page(number + 1) if first + SIZE < len(fitting) else "",
        find=find,
        base=base,
        sort=sort,
        answering=len(standing),
        watts=figure(sum(standing) if standing else None, "W"),
        is_live=is_live,
        table=_table(fitting),
        has_costs=bool(total.costs),
        has_carbon=total.grams is not None,
        some_unknown=any(line.is_partial for line in lines),
    )


def _lines(look: Look, newest: Levels) -> tuple[list[Line], Numbers]:
    now_ms = SystemClock().now_ms()
    heard = dict(zip(newest.resources, newest.at.tolist(), strict=True))
    answering = set(compress(newest.resources, newest.stands(now_ms).tolist()))
    bands = stack(look.drawn)
    colours = {number: band.colour for band in bands for number in band.numbers}
    lines = []
    for number, (seen, row) in enumerate(zip(look.drawn.seen, look.legend.rows, strict=True)):
        resource = seen.probe.resource
        silent = None if resource in answering else heard.get(resource)
        lines.append(Line(seen.probe, row, colours[number], [], silent))
    return lines, newest.standing(now_ms).tolist()


def _fits(line: Line, find: str) -> bool:
    return find in line.probe.id.casefold() or find in line.probe.resource.casefold()


def _sorted(lines: list[Line], sort: str) -> list[Line]:
    key, falling = sort.removeprefix("-"), sort.startswith("-")
    by = _SORTS.get(key)
    if by is None:
        return sorted(lines, key=lambda line: natural(line.probe.id), reverse=falling)
    return sorted(lines, key=by[1], reverse=falling)


def natural(name: str) -> list[tuple[bool, int, str]]:
    """So that node-10 comes after node-9."""
    parts, text, digits = [], "", ""
    for sign in f"{name.casefold()}\0":
        if sign.isdecimal():
            digits += sign
            continue
        if digits:
            parts += [(True, 0, text), (False, int(digits), "")]
            text = digits = ""
        text += sign
    return [*parts, (True, 0, text)]


def _with_past(lines: Sequence[Line], look: Look) -> list[Line]:
    """Lines with what is drawn in them: only those that are shown cost the work."""
    place = {seen.probe.resource: number for number, seen in enumerate(look.drawn.seen)}
    return [
        Line(line.probe, line.row, line.colour, past, line.silent)
        for line in lines
        for past in [_past(look, place[line.probe.resource])]
    ]


def _past(look: Look, number: int) -> Numbers:
    watts = look.drawn.watts[number].astype(np.float64)
    known = watts[np.isfinite(watts)]
    every = max(len(known) // SPARK_POINTS, 1)
    whole = known[: len(known) // every * every].reshape(-1, every)
    means: Numbers = whole.mean(axis=1).tolist()
    return means


@dataclass(frozen=True, slots=True)
class _Addresses:
    base: str
    sort: str
    find: str

    def head(self, key: str, title: str) -> Head:
        now = self.sort.removeprefix("-") == key
        falling = self.sort.startswith("-")
        first = key if key == "name" else f"-{key}"
        turned = key if falling else f"-{key}"
        to = self._to(sort=turned if now else first)
        return Head(key, title, to, ("down" if falling else "up") if now else "")

    def page(self, number: int) -> str:
        return self._to(sort=self.sort, page=str(number))

    def _to(self, **more: str) -> str:
        query = QueryDict(mutable=True)
        query.update({**({"find": self.find} if self.find else {}), **more})
        return f"{self.base}{'&' if '?' in self.base else '?'}{query.urlencode()}"


def _table(lines: Sequence[Line]) -> Table[Line]:
    """All lines as CSV, exact."""
    return Table(
        "probes",
        (
            Column("Probe", lambda line: line.probe.id),
            Column("Resource", lambda line: line.probe.resource),
            Column("Minimum", lambda line: line.row.minimum, unit="W"),
            Column("Average", lambda line: line.row.average, unit="W"),
            Column("Maximum", lambda line: line.row.maximum, unit="W"),
            Column("Last", lambda line: line.row.last, unit="W"),
            Column("Energy", lambda line: line.row.kwh, unit="kWh"),
            Column("Cost", lambda line: _side_by_side(map(plain, line.row.costs.values()))),
            Column("Currency", lambda line: _side_by_side(line.row.costs)),
            Column(
                "CO2e",
                lambda line: None if line.row.grams is None else plain(line.row.grams),
                unit="g",
            ),
            Column("Known", lambda line: round(line.row.covered, 6), unit="of the period"),
            Column(
                "Silent since",
                lambda line: from_ms(line.silent) if line.silent is not None else None,
            ),
        ),
        lines,
    )


def _side_by_side(each: Iterable[str]) -> str:
    """As reports have them: several, which are never added, by spaces."""
    return " ".join(each)
