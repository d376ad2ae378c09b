"""What stands around every page: where one can go, where one is, and whether data is simulated."""

from collections.abc import Collection
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from meterhouse.web.models import SourceConfig
from meterhouse.web.rights import scope_in
from meterhouse.web.sourcebook import is_prepared

SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation. ``icon`` is also the beginning of its pages' addresses."""

    title: str
    icon: str
    url: str
    here: bool


@dataclass(frozen=True, slots=True)
class Simulated:
    """The source whose data is made up, and what it is made up from.

    url:         its page, for who may open it
    is_prepared: its past is being written
    """

    name: str
    seed: str
    url: str
    is_prepared: bool


ROOMS = (
    ("", (("Overview", "overview"),)),
    (
        "Who and what",
        (
            ("Institutions", "institutions"),
            ("Projects", "projects"),
            ("Users", "users"),
            ("Resources", "resources"),
        ),
    ),
    ("Usage", (("Power", "power"), ("Graphs", "graphs"), ("Reports", "reports"))),
    ("House", (("Sources", "sources"), ("Logins", "logins"), ("API", "api"))),
)

FOR_ALL = {"sources", "logins"}
"""What only those who see everything may open."""


def frame(request: HttpRequest) -> dict[str, object]:
    """Django's context processor for the frame; nothing for who is not logged in."""
    login = getattr(request, "user", None)
    if login is None or not login.is_authenticated:
        return {}
    everything = scope_in(request).everything
    hidden = set() if everything else FOR_ALL
    return {
        "rooms": _rooms(request.path, hidden),
        "simulated": simulated(linked=everything),
    }


def simulated(*, linked: bool) -> Simulated | None:
    """The simulator among the sources, if there is one that is read or about to be."""
    rows = list(SourceConfig.objects.filter(kind=SIMULATOR).order_by("name"))
    found = next((row for row in rows if row.enabled or is_prepared(row)), None)
    if found is None:
        return None
    url = reverse("source", args=[found.name]) if linked else ""
    return Simulated(found.name, str(found.config.get("seed", "")), url, is_prepared(found))


def _rooms(path: str, hidden: Collection[str]) -> list[tuple[str, list[Link]]]:
    return [
        (title, [_link(path, *link) for link in links if link[1] not in hidden])
        for title, links in ROOMS
    ]


def _link(path: str, title: str, name: str) -> Link:
    url = _URLS[name]() if name in _URLS else reverse(name)
    under = ("/last/", "/probe/") if name == "power" else (url,)
    here = path == url if name == "overview" else path.startswith(under)
    return Link(title, name, url, here)


_URLS = {
    "api": lambda: reverse("api:openapi-view"),
    "power": lambda: reverse("last", args=["hour"]),
}
