"""Fetching small JSON documents over kept connections, from peers that are not trusted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

import aiohttp

from meterhouse.clients.web import body, explained, patience
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.sources.documents import complaint, decode
from meterhouse.sources.http.config import Config, Login

LARGEST = 1024 * 1024  # bytes of a document
LARGEST_COMPLAINT = 4096
AT_ONCE = 100  # requests under way
REDIRECTS = 3


class Client:
    """Fetches documents. Its connections, and what it logs in with, are kept."""

    def __init__(self, session: aiohttp.ClientSession, deadline_s: float) -> None:
        self._session, self._deadline_s = session, deadline_s

    async def document(self, url: str) -> object:
        """Raises Unreachable or BadReading, in words that need no address before them."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return decode(await self._body(url))
        except aiohttp.ClientPayloadError as error:
            raise BadReading("the answer was cut short") from error
        except aiohttp.ClientError as error:
            raise Unreachable(explained(error)) from error
        except TimeoutError as error:
            raise Unreachable(f"no answer within {self._deadline_s:g} s") from error
        except (OSError, ValueError) as error:
            raise Unreachable(explained(error)) from error

    async def _body(self, url: str) -> bytes:
        for _ in range(REDIRECTS + 1):
            async with self._session.get(url, allow_redirects=False) as answer:
                if answer.status not in {301, 302, 303, 307, 308}:
                    return await _read(answer)
                url = _onward(url, answer.headers.get("Location", ""))
        raise Unreachable(f"more than {REDIRECTS} redirects")


def _onward(url: str, location: str) -> str:
    """Where a redirect leads. Elsewhere nobody is asked: they would be told the password."""
    onward = urljoin(url, location)
    if urlsplit(onward)[:2] != urlsplit(url)[:2]:
        raise Unreachable(f"it sends to {onward[:80]!r}, where nobody is asked; set the url right")
    return onward


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body of a good answer, as long as it may be."""
    if answer.status in {401, 403}:
        raise Unreachable(f"it refuses the login (HTTP {answer.status})")
    if answer.status != 200:
        said = await _complaint(answer)
        raise Unreachable(f"HTTP {answer.status} {answer.reason or ''}".rstrip() + said)
    return await body(answer, LARGEST)


async def _complaint(answer: aiohttp.ClientResponse) -> str:
    """What it says is wrong, if that is a document."""
    with contextlib.suppress(BadReading):
        said = complaint(decode(await body(answer, LARGEST_COMPLAINT)))
        return f"; {said}" if said else ""
    return ""


@asynccontextmanager
async def open_client(config: Config) -> AsyncIterator[Client]:
    """Raises Mistake if the certificate's file cannot be read."""
    trusted = await asyncio.to_thread(config.trust.context)
    connector = aiohttp.TCPConnector(limit=AT_ONCE, ssl=trusted, ttl_dns_cache=60)
    digest = bool(config.user) and config.login is Login.DIGEST
    async with aiohttp.ClientSession(
        connector=connector,
        headers=_headers(config),
        middlewares=[aiohttp.DigestAuthMiddleware(config.user, config.password.reveal())]
        if digest
        else [],
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # what a small answer could become has no bound
        timeout=patience(config.deadline_s),
    ) as session:
        yield Client(session, config.deadline_s)


def _headers(config: Config) -> dict[str, str]:
    own = {name: text.reveal() for name, text in config.headers.items()}
    login = {"Authorization": text} if (text := _authorization(config)) else {}
    return {"Accept": "application/json", "Accept-Encoding": "identity"} | login | own


def _authorization(config: Config) -> str:
    if config.user and config.login is Login.BASIC:
        return aiohttp.encode_basic_auth(config.user, config.password.reveal(), "utf-8")
    token = config.token.reveal()
    return f"Bearer {token}" if token else ""
