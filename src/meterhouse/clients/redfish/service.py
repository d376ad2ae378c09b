"""One BMC's Redfish service: its login, and its answers over one kept connection.

A login is by session (a token, renewed when the BMC forgets it, and given back in the end) or
Basic (the password with every question, which many BMCs check slowly). Source: DSP0266, 13.3.

A BMC is not trusted: its answers have a largest size, and nobody else is asked for what it says,
be it by a redirect or by a link.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec
from yarl import URL

from meterhouse.clients.redfish.answers import Root, link
from meterhouse.clients.web import body, explained, patience
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.secrets import Secret

AnswerT = TypeVar("AnswerT")

ROOT = "/redfish/v1/"
SESSIONS = "/redfish/v1/SessionService/Sessions"
LARGEST = 4 * 1024 * 1024  # bytes of an answer
KEPT_S = 120.0  # an idle connection
LOG_OUT_S = 2.0
REDIRECTS = 2
ONWARD = {301, 302, 307, 308}
NONSENSE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Refused(Unreachable):
    """The BMC answers, but not to us: somebody has to set that right."""


class Unknown(Refused):
    """The BMC does not know the login, or has forgotten the session."""


class Missing(BadReading):
    """The BMC has no such resource."""


class How(StrEnum):
    """How a BMC is logged in to."""

    SESSION = "session"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: Secret
    how: How = How.SESSION


class Service:
    """Every method raises Unreachable, Refused, Missing or BadReading.

    http:    as ``open_http`` makes it, for many BMCs
    url:     "https://<host>:<port>"
    trusted: from ``clients.trust``: how the BMC proves who it is
    """

    def __init__(
        self, http: aiohttp.ClientSession, url: str, login: Login, trusted: ssl.SSLContext
    ) -> None:
        self._http, self._url, self._login, self._trusted = http, url, login, trusted
        self._token = self._session = ""

    async def root(self) -> Root:
        return await self._get(ROOT, Root, {})

    async def get(self, path: str, kind: type[AnswerT]) -> AnswerT:
        """Read a resource, logging in where that is needed."""
        if self._login.how is How.BASIC or not self._login.user:
            return await self._get(path, kind, self._basic())
        had_token = bool(self._token)
        try:
            return await self._get(path, kind, await self._with_token())
        except Unknown:
            self._token = self._session = ""
            if not had_token:
                raise
        return await self._get(path, kind, await self._with_token())  # it had forgotten us

    async def log_out(self) -> None:
        """Give the session back: BMCs have few. If that fails, it ends by itself in time."""
        if not self._session:
            return
        headers, session = {"X-Auth-Token": self._token}, self._session
        self._token = self._session = ""
        with suppress(Unreachable, BadReading, TimeoutError):
            async with asyncio.timeout(LOG_OUT_S):
                await self._ask("DELETE", session, headers)

    def _basic(self) -> Mapping[str, str]:
        if not self._login.user:
            return {}
        text = aiohttp.encode_basic_auth(self._login.user, self._login.password.reveal(), "utf-8")
        return {"Authorization": text}

    async def _with_token(self) -> Mapping[str, str]:
        if not self._token:
            await self._log_in()
        return {"X-Auth-Token": self._token}

    async def _log_in(self) -> None:
        root = await self.root()
        named = root.links.sessions if root.links else None
        login = {"UserName": self._login.user, "Password": self._login.password.reveal()}
        _, headers = await self._ask("POST", named.path if named else SESSIONS, {}, login)
        token, where = headers.get("X-Auth-Token", ""), headers.get("Location", "")
        if not token or not token.isprintable():
            raise BadReading("it gives no token for the login; does it know sessions?")
        self._token = token
        with suppress(BadReading):  # without a place of its own it cannot be given back
            self._session = link(urlsplit(urljoin(self._url, where)).path) if where else ""

    async def _get(self, path: str, kind: type[AnswerT], headers: Mapping[str, str]) -> AnswerT:
        told, _ = await self._ask("GET", path, headers)
        try:
            return msgspec.json.decode(told, type=kind)
        except NONSENSE as error:
            raise BadReading(f"{path}: what it says is no Redfish: {error}") from error

    async def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        said: Mapping[str, str] | None = None,
    ) -> tuple[bytes, Mapping[str, str]]:
        """Raises what happens to connections in words of one line."""
        try:
            return await self._asked(method, path, headers, said)
        except aiohttp.ClientConnectorCertificateError as error:
            raise Refused(explained(error)) from error
        except aiohttp.ClientConnectionError as error:
            raise Unreachable(explained(error)) from error
        except aiohttp.ClientPayloadError as error:
            raise BadReading(f"{path}: the answer was cut short") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{path}: {explained(error)}") from error

    async def _asked(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        said: Mapping[str, str] | None,
    ) -> tuple[bytes, Mapping[str, str]]:
        for _ in range(REDIRECTS + 1):
            async with self._http.request(
                method,
                URL(self._url + path.partition("#")[0], encoded=True),
                headers=headers,
                json=said,
                ssl=self._trusted,
                allow_redirects=False,
            ) as answer:
                if answer.status not in ONWARD or method != "GET":
                    return await _read(answer, path), answer.headers
                path = self._onward(path, answer.headers.get("Location", ""))
        raise BadReading(f"{path}: more than {REDIRECTS} redirects")

    def _onward(self, path: str, location: str) -> str:
        """Where a redirect leads, if it is on this BMC."""
        onward = urljoin(self._url + path, location)
        if urlsplit(onward)[:2] != urlsplit(self._url)[:2]:
            raise BadReading(f"{path}: sends to {onward[:80]!r}, where nobody is asked")
        return link(urlsplit(onward).path)


async def _read(answer: aiohttp.ClientResponse, path: str) -> bytes:
    """The body of a good answer, as long as it may be."""
    if answer.status == 401:
        raise Unknown("it refuses the login")
    if answer.status == 403:
        raise Refused(f"{path}: the user may not read that")
    if answer.status == 404:
        raise Missing(f"{path}: there is no such resource")
    if answer.status >= 500:
        raise Unreachable(f"{path}: HTTP {answer.status} {answer.reason or ''}".rstrip())
    if not 200 <= answer.status < 300:
        raise BadReading(f"{path}: HTTP {answer.status} {answer.reason or ''}".rstrip())
    try:
        return await body(answer, LARGEST)
    except BadReading as error:
        raise BadReading(f"{path}: {error}") from error


@asynccontextmanager
async def open_http(patience_s: float) -> AsyncIterator[aiohttp.ClientSession]:
    """What many BMCs are asked through: one connection each, kept.

    patience_s: of whoever asks, most of which may be spent on connecting
    """
    connector = aiohttp.TCPConnector(
        limit=0, limit_per_host=1, keepalive_timeout=KEPT_S, ttl_dns_cache=60
    )
    async with aiohttp.ClientSession(
        connector=connector,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "OData-Version": "4.0",
        },
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # what a small answer could become has no bound
        timeout=patience(patience_s),
        trust_env=False,  # no proxy is told the password because a variable names it
    ) as http:
        yield http
