"""Kwapi's API, version 1, answered from memory.

    GET /v1/                          what this is
    GET /v1/probe-ids/                {"probe_ids": ["A", …]}
    GET /v1/probes/                   {"probes": {"A": {"timestamp": s, "w": W, "kwh": kWh}, …}}
    GET /v1/probes/?format=list       the same as a list
    GET /v1/probes/<probe>/           {"A": {"timestamp": s, "w": W, "kwh": kWh}}
    GET /v1/probes/<probe>/<meter>/   {"A": {"w": W}}

Source: openstack/kwapi, kwapi/plugins/api/v1.py and acl.py. Other than there, errors are JSON, and
who lacks the role is told so (403). Without the slash at the end one is led to where it is.
"""

from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from meterhouse import __version__
from meterhouse.live.answers import METERS, Answers, Sight
from meterhouse.web.readers import Readers, Refusal
from meterhouse.web.replies import (
    ALLOW,
    ONLY_GET,
    Receive,
    Scope,
    Send,
    send_body,
    send_json,
)

WELCOME = b"Welcome to Kwapi!"
"""What Kwapi said at /v1/, word for word."""

ABOUT = {
    "message": WELCOME.decode(),
    "id": "v1",
    "status": "CURRENT",
    "product": "Meterhouse",
    "version": __version__,
    "units": {"timestamp": "s since 1970, UTC", "w": "W", "kwh": "kWh"},
    "links": [
        {"rel": "self", "href": "/v1/"},
        {"rel": "probe-ids", "href": "/v1/probe-ids/"},
        {"rel": "probes", "href": "/v1/probes/"},
        {"rel": "list", "href": "/v1/probes/?format=list"},
        {"rel": "probe", "href": "/v1/probes/{probe}/"},
        {"rel": "meter", "href": "/v1/probes/{probe}/{meter}/"},
        {"rel": "events", "href": "/live/power/"},
    ],
}


class Nowhere(Exception):
    """There is nothing at this address, or nothing for this reader."""

    status = 404


class Odd(Nowhere):
    """The question cannot be meant."""

    status = 400


class Kwapi:
    """An ASGI application for all below /v1."""

    def __init__(self, answers: Answers, readers: Readers) -> None:
        self._answers, self._readers = answers, readers
        self._about = msgspec.json.encode(ABOUT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await send_json(send, 405, {"error": ONLY_GET}, ALLOW)
            return
        reader = await self._readers.of(scope["headers"])
        if isinstance(reader, Refusal):
            await send_json(send, reader.status, {"error": reader.error}, reader.headers)
            return
        names, is_whole = _names(scope)
        try:
            body, kind = self._found(names, scope, reader.sight)
        except Nowhere as error:
            await send_json(send, error.status, {"error": str(error)})
            return
        if is_whole:
            await send_body(send, 200, body, kind=kind)
        else:
            await _lead(send, scope)

    def _found(self, names: Sequence[str], scope: Scope, sight: Sight) -> tuple[bytes, bytes]:
        """The body at an address and its media type. Raises Nowhere."""
        match names:
            case []:
                return self._welcome(scope)
            case ["probe-ids"]:
                body = self._answers.probe_ids(sight)
            case ["probes"]:
                body = self._all(scope, sight)
            case ["probes", *rest]:
                body = self._one(rest, sight)
            case _:
                raise Nowhere("there is nothing at this address; /v1/ says what there is")
        return body, b"application/json"

    def _welcome(self, scope: Scope) -> tuple[bytes, bytes]:
        """Kwapi's text for who asks for text, else what this version offers."""
        accept = dict(scope["headers"]).get(b"accept", b"")
        if b"text/" in accept and b"json" not in accept:
            return WELCOME, b"text/plain; charset=utf-8"
        return self._about, b"application/json"

    def _all(self, scope: Scope, sight: Sight) -> bytes:
        shape = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("format", "")
        if shape not in {"", "list"}:
            raise Odd('format: only "list" is known, or none for Kwapi\'s own')
        return self._answers.listed(sight) if shape else self._answers.probes(sight)

    def _one(self, names: Sequence[str], sight: Sight) -> bytes:
        """One probe, or one of its meters. A probe's name may have slashes that are not escaped,
        unless what stands before the last is a probe as well, and the rest a meter.
        """
        *before, meter = names
        probe = self._answers.find("/".join(before), sight)
        if probe and meter in METERS:
            return msgspec.json.encode({probe.id: {meter: self._answers.one(probe)[meter]}})
        if whole := self._answers.find("/".join(names), sight):
            return msgspec.json.encode({whole.id: self._answers.one(whole)})
        if probe:
            raise Nowhere(f"there is no meter {meter!r}; there are {', '.join(METERS)}")
        raise Nowhere(f"there is no probe {names[0]!r} at present")


def _names(scope: Scope) -> tuple[list[str], bool]:
    """What stands between the slashes behind /v1, and whether the address ends in a slash."""
    names = [unquote(name) for name in _path(scope).decode("utf-8", "replace").split("/")[2:]]
    return (names[:-1], True) if names and not names[-1] else (names, False)


def _path(scope: Scope) -> bytes:
    """The path as it was asked for: what is escaped in it parts no names."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.partition(b"?")[0]


async def _lead(send: Send, scope: Scope) -> None:
    """To the address with a slash, as Flask did."""
    query: bytes = scope["query_string"]
    place = _path(scope) + b"/" + (b"?" + query if query else b"")
    await send_body(send, 301, b"", ((b"location", place),))
