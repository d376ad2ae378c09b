"""Search: institutions, projects, users and resources whose name or key holds a text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from meterhouse.inventory import reading
from meterhouse.inventory.finding import Wanted
from meterhouse.web.pages import resources
from meterhouse.web.pages.names import Names, names_for
from meterhouse.web.pages.question import CSV, asks, text
from meterhouse.web.pages.tables import Column, Table, page

MOST = 50


@dataclass(frozen=True, slots=True)
class Hit:
    kind: str
    name: str
    key: str
    url: str


@asks({"q": text, **CSV})
def search(request: HttpRequest) -> HttpResponse:
    sought = request.GET.get("q", "").strip()
    hits = list(_hits(names_for(request), sought)) if sought else []
    table = Table(
        "found",
        (
            Column("Name", lambda hit: hit.name, kind="name", link=lambda hit: hit.url),
            Column("What", lambda hit: hit.kind),
            Column("Key", lambda hit: hit.key, kind="key"),
        ),
        hits,
        title="Found",
        about=f"{len(hits)}",
        empty=f"Nothing is called “{sought}” here" if sought else "Type what you look for",
    )
    context = {
        "heading": f"Search: {sought}" if sought else "Search",
        "sought": sought,
        "about": "By name and key, whatever the case.",
    }
    return page(request, "meterhouse/list.html", context, table)


def _hits(names: Names, text: str) -> Iterable[Hit]:
    wanted = text.casefold()

    def fits(*words: str) -> bool:
        return any(wanted in word.casefold() for word in words)

    yield from _known(names, fits)
    found = reading.resources(names.scope, Wanted(text=text, ended=True), size=MOST)
    for row in found.rows:
        yield Hit(row.kind, row.name or row.key, row.key, resources.url(row))


def _known(names: Names, fits: Callable[..., bool]) -> Iterable[Hit]:
    for one in names.institutions.values():
        if fits(one.name, one.key):
            yield Hit("institution", one.name, one.key, reverse("institution", args=[one.key]))
    for each in names.projects.values():
        if fits(each.name, each.key):
            path = " / ".join(each.path)
            yield Hit("project", path, each.key, reverse("project", args=[each.key]))
    for person in names.users.values():
        if fits(person.name, person.key, person.email):
            yield Hit("user", person.name, person.key, reverse("user", args=[person.key]))
