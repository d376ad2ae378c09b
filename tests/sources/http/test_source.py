"""Documents from a real web server, and peers that are slow, dead, lying or malicious."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from tests.clients.ganeti import fake
from tests.sources.http.conftest import Web
from tests.sources.programs import free_port
from tests.sources.readings import configured, figures, moments, run

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading, Mistake, Unreachable
from meterhouse.sources import Configured
from meterhouse.sources.runner import Outcome

WATTS = {"power": {"path": "w"}}
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def meter(*urls: str, **more: Any) -> Configured:
    probes = [f"node-{number + 1}" for number in range(len(urls))]
    table = {"urls": list(urls), "probes": probes, "deadline_s": 0.5, **WATTS}
    return configured("lab", kind="http", **table | more)


@asynccontextmanager
async def peer(answer: Answer) -> AsyncIterator[str]:
    """Answers each request as it likes; yields its url."""
    talks: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while request := await reader.readuntil(b"\r\n\r\n"):
                await answer(request, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await asyncio.wait_for(asyncio.gather(*filter(None, talks)), 5)


def said(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


async def test_a_connection_is_kept_and_values_move(web: Web, clock: FixedClock) -> None:
    web.put("m.json", '{"w": 1}')
    async with meter(f"{web.url}/m.json").open(clock) as source:
        await source.read()
        web.put("m.json", '{"w": 2.5}')
        assert figures(await source.read(), "power") == {"lab/node-1": 2.5}
    assert web.asked() == ["GET /m.json HTTP/1.1"] * 2


async def test_one_document_for_many_probes_is_fetched_once(web: Web, clock: FixedClock) -> None:
    web.put("m.json", '{"a": {"w": 1}, "b": {"w": 2}}')
    wanted = {"channels": ["a", "b"], "probes": ["x", "y"], "power": {"path": "{channel}.w"}}
    async with meter(f"{web.url}/m.json", **wanted).open(clock) as source:
        assert figures(await source.read(), "power") == {"lab/x": 1, "lab/y": 2}
    assert len(web.asked()) == 1


async def test_a_measurement_is_told_once_at_its_own_time(web: Web, clock: FixedClock) -> None:
    at_s = clock.now_ms() // 1000 - 3
    web.put("m.json", f'{{"at": {at_s}, "w": 7}}')
    async with meter(f"{web.url}/m.json", timestamp={"path": "at"}).open(clock) as source:
        first, again = await source.read(), await source.read()
        clock.move(timedelta(minutes=1))
        old = await source.read()
    assert moments(first) == {"lab/node-1": at_s * 1000}
    assert (len(again.samples), again.refused) == (0, {})
    assert (len(old.samples), old.refused) == (0, {"older than it may be": 1})


@pytest.mark.parametrize("at", ["1e300", "1e18", "4102444800", "0", "-1e18"])
async def test_a_meter_that_lies_about_the_time_costs_its_own_values_alone(
    web: Web, clock: FixedClock, at: str
) -> None:
    now_s = clock.now_ms() // 1000
    web.put("m.json", f'{{"a": {{"at": {at}, "w": 7}}, "b": {{"at": {now_s}, "w": 8}}}}')
    wanted = {
        "channels": ["a", "b"],
        "probes": ["x", "y"],
        "power": {"path": "{channel}.w"},
        "timestamp": {"path": ["{channel}", "at"]},
    }
    told = meter(f"{web.url}/m.json", **wanted)
    assert (await run(told, clock)).outcome is Outcome.GOOD
    async with told.open(clock) as source:
        first = await source.read()
        assert (figures(first, "power"), sum(first.refused.values())) == ({"lab/y": 8}, 1)
        web.put("m.json", f'{{"a": {{"at": {now_s}, "w": 7}}}}')
        assert figures(await source.read(), "power") == {"lab/x": 7}, "its clock is right again"


@pytest.mark.parametrize(
    ("at", "reason"), [('"yesterday"', "none"), ('"2026-05-01T12:00:00"', "no zone"), ("[]", "")]
)
async def test_a_time_that_is_none_is_no_reading(
    web: Web, clock: FixedClock, at: str, reason: str
) -> None:
    web.put("m.json", f'{{"at": {at}, "w": 7}}')
    stamp = {"path": "at", "unit": "text"}
    async with meter(f"{web.url}/m.json", timestamp=stamp).open(clock) as source:
        with pytest.raises(BadReading, match=f"timestamp: .*{reason}"):
            await source.read()


async def test_one_dead_meter_costs_its_own_values_and_rests(
    web: Web, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "meterhouse")
    web.put("m.json", '{"w": 1}')
    dead = f"http://127.0.0.1:{free_port()}/m.json"
    async with meter(dead, f"{web.url}/m.json").open(clock) as source:
        first, second = await source.read(), await source.read()
        clock.move(timedelta(seconds=31))
        third = await source.read()
    assert figures(first, "power") == figures(third, "power") == {"lab/node-2": 1}
    assert [each.refused for each in (first, second, third)] == [
        {"no answer": 1},
        {},
        {"no answer": 1},
    ]
    (line,) = [record.message for record in caplog.records]
    assert re.fullmatch(r"127\.0\.0\.1:\d+/m\.json: Connection refused", line)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/none.json", "HTTP 404"),
        ("/broken", "HTTP 500"),
        ("/locked/m.json", "it refuses the login (HTTP 401)"),
        ("/keyed/m.json", "it refuses the login (HTTP 403)"),
        ("/away", "it sends to 'http://127.0.0.2:"),
        ("/round", "more than 3 redirects"),
    ],
)
async def test_why_there_is_no_document_is_one_line(
    web: Web, clock: FixedClock, path: str, error: str
) -> None:
    ended = await run(meter(f"{web.url}{path}"), clock)
    assert ended.outcome is Outcome.UNREACHABLE
    assert error in ended.error


async def test_a_redirect_on_the_same_server_is_followed(web: Web, clock: FixedClock) -> None:
    web.put("status.json", '{"w": 3}')
    async with meter(f"{web.url}/moved").open(clock) as source:
        assert figures(await source.read(), "power") == {"lab/node-1": 3}


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/locked/m.json", {"user": "alice", "password": "alice-pw"}),
        ("/bearer/m.json", {"token": "t0ken"}),
        ("/keyed/m.json", {"headers": {"X-Key": "k3y"}}),
    ],
)
async def test_those_that_want_a_login_get_it(
    web: Web, clock: FixedClock, path: str, keys: dict[str, Any]
) -> None:
    web.put("m.json", '{"w": 4}')
    async with meter(f"{web.url}{path}", **keys).open(clock) as source:
        assert figures(await source.read(), "power") == {"lab/node-1": 4}


async def test_a_digest_login_never_tells_the_password(clock: FixedClock) -> None:
    """As Shelly's Gen2+ devices want it. Source: RFC 7616, 3.4 (SHA-256, qop auth)."""
    requests: list[bytes] = []

    def hashed(*parts: str) -> str:
        return hashlib.sha256(":".join(parts).encode()).hexdigest()

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        told = dict(re.findall(r'(\w+)="?([^",\r]+)"?', request.decode()))
        first, second = hashed("admin", "plug", "s3cret-pw"), hashed("GET", "/")
        told = {"nonce": "", "nc": "", "cnonce": "", "response": ""} | told
        wanted = hashed(first, told["nonce"], told["nc"], told["cnonce"], "auth", second)
        if told["response"] == wanted:
            writer.write(said(b'{"w": 5}'))
        else:
            ask = (
                'WWW-Authenticate: Digest realm="plug", nonce="n1", qop="auth", algorithm=SHA-256'
            )
            writer.write(said(b"", "401 Unauthorized", f"{ask}\r\n"))

    login = {"user": "admin", "password": "s3cret-pw", "login": "digest"}
    async with peer(answer) as url, meter(url, **login).open(clock) as source:
        assert figures(await source.read(), "power") == {"lab/node-1": 5}
        with pytest.raises(Unreachable, match="refuses the login"):
            async with meter(url, **login | {"password": "wrong"}).open(clock) as other:
                await other.read()
    assert not any(b"s3cret-pw" in request or b"Basic" in request for request in requests)


async def test_a_certificate_nobody_knows_is_not_believed(web: Web, clock: FixedClock) -> None:
    web.put("m.json", '{"w": 6}')
    url = f"{web.tls}/m.json"
    ended = await run(meter(url), clock)
    assert "its certificate is not believed: self-signed" in ended.error
    known = web.identity.fingerprint.hex(":")
    for way in web.identity.ways:
        async with meter(url, **way).open(clock) as source:
            assert figures(await source.read(), "power") == {"lab/node-1": 6}
    ended = await run(meter(url, verify="pin", fingerprint="AB" * 32), clock)
    assert f"it shows another certificate, {known.upper()}" in ended.error


async def test_a_certificate_for_another_name_is_not_believed(
    web: Web, clock: FixedClock, tmp_path: Any
) -> None:
    other = fake.identity(tmp_path / "other.pem", address="127.0.0.9")
    server = await asyncio.start_server(
        lambda r, w: w.close(), "127.0.0.1", 0, ssl=other.context()
    )
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        ended = await run(meter(url, certificate=str(other.file)), clock)
    assert "its certificate is not believed: IP address mismatch" in ended.error


async def test_a_certificate_file_that_is_none_is_a_mistake(clock: FixedClock) -> None:
    with pytest.raises(Mistake, match=r"'/no/such\.pem' cannot be read: No such"):
        async with meter("https://127.0.0.1/", certificate="/no/such.pem").open(clock):
            pass


async def _nothing(request: bytes, writer: asyncio.StreamWriter) -> None:
    pass


async def _forever(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


async def _drop_by_drop(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _headers(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n")


async def _cut(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"w": 1')
    writer.close()


async def _no_http(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    writer.close()


async def _packed(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(said(b"\x1f\x8b\x08" + b"\x00" * 50, more="Content-Encoding: gzip\r\n"))


async def _deep(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(said(b"[" * 500_000))


async def _words(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(said(b'{"w": "lots"}'))


@pytest.mark.parametrize(
    ("answer", "outcome", "error"),
    [
        (_nothing, Outcome.UNREACHABLE, "no answer within 0.5 s"),
        (_forever, Outcome.BAD, "an answer of more than 1 MiB"),
        (_drop_by_drop, Outcome.UNREACHABLE, "no answer within 0.5 s"),
        (_headers, Outcome.UNREACHABLE, ""),
        (_cut, Outcome.BAD, "the answer was cut short"),
        (_no_http, Outcome.UNREACHABLE, "what it says is no HTTP; is the port right?"),
        (_packed, Outcome.BAD, "no JSON"),
        (_deep, Outcome.BAD, "no JSON"),
        (_words, Outcome.BAD, "1 not a number"),
    ],
)
async def test_a_peer_that_lies_costs_its_own_time_and_nothing_else(
    clock: FixedClock, answer: Answer, outcome: Outcome, error: str
) -> None:
    async with peer(answer) as url, asyncio.timeout(5):
        ended = await run(meter(url), clock)
    assert (ended.outcome, ended.samples) == (outcome, 0)
    assert error in ended.error
    assert "\n" not in ended.error


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ({"power": None}, "say the model"),
        ({"model": "shelly-gen3"}, "did you mean 'shelly-gen"),
        ({"probes": ["a", "b"]}, "2 for 1 outlets"),
        ({"channels": ["0", "0"], "probes": ["a", "b"]}, "channels"),
        ({"urls": ["plug-1"]}, "http(s)://"),
        ({"urls": ["http://alice:pw@plug-1/"]}, "keys of its own"),
        ({"urls": ["http://h:99999/"]}, "urls"),
        ({"urls": []}, "at least one"),
        ({"user": "alice"}, "go together"),
        ({"user": "alice", "password": "x", "token": "y"}, "not together"),
        ({"certificate": "house.pem"}, "whole path"),
        ({"certificate": "/house.pem", "verify": "none"}, "verify"),
        ({"verify": "pin"}, "needs the certificate, or else its fingerprint"),
        ({"verify": False}, "verify"),
        ({"headers": {"X-Key": "a\r\nb"}}, "cannot be sent"),
        ({"deadline_s": 0}, "deadline_s"),
        ({"energy": {"path": "e"}}, "energy: unit"),
        ({"timestamp": {"path": "at", "unit": "h"}}, "timestamp"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, Any], error: str) -> None:
    with pytest.raises(Mistake) as mistake:
        meter("http://plug-1.example/", **table)
    assert error in str(mistake.value)
