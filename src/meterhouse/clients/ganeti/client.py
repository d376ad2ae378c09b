"""Reading a cluster through RAPI.

RAPI is small: it forks for each connection, and with more than 20 open it answers nobody until
one of them ends. What nodes have to be asked for (sizes, states) takes as long as the slowest of
them: 5 s where one is dead, 60 s where a hypervisor hangs. So there is one request of a kind at a
time, and a deadline of our own beyond those 60 s: whoever gives up earlier and asks again leaves
the first request running, until all 20 are taken.

Nearly every answer waits 40 ms for the acknowledgement of TLS 1.3's session tickets (Nagle on
RAPI's side): 53 ms for /2/info, 15 ms when the context's maximum_version is TLS 1.2 (Ganeti 3.0.2,
loopback). Nobody waits for what is read every quarter of an hour, so the peers choose.
"""

import asyncio
import html
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
import msgspec

from meterhouse.clients.ganeti import answers
from meterhouse.clients.ganeti.answers import Cluster, Group, Instance, Node
from meterhouse.clients.reasons import reason
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.secrets import Secret

AnswerT = TypeVar("AnswerT")

HOW_KNOWN = (
    "give `certificate`, a copy of the BEGIN CERTIFICATE part of /var/lib/ganeti/rapi.pem on the "
    "master, or `fingerprint`, as `openssl x509 -in /var/lib/ganeti/rapi.pem -noout -fingerprint "
    "-sha256` prints it there"
)
"""RAPI signs its own certificate: X.509 v1, CN=ganeti.example.com whatever the cluster is called,
and no subjectAltName, so that no check of names can ever succeed: it is pinned. `gnt-cluster
renew-crypto --new-rapi-certificate` makes another, to be made known."""

DEADLINE_S = 90.0
LIMIT_BYTES = 64 * 1024 * 1024
"""About 50,000 instances: 1.2 KB each (measured)."""
REFUSAL_BYTES = 64 * 1024
CONNECT_S = 30.0
"""RAPI gives a handshake 10 s, and a busy one lets the next wait for two of them."""
NONSENSE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises: msgspec looks into texts and depths only as it comes to them."""


class Refused(Unreachable):
    """The cluster answers, but not to us, or it is another: somebody has to set that right."""


@dataclass(frozen=True, slots=True)
class Rapi:
    """One cluster. Every method raises Unreachable, Refused or BadReading.

    Its methods may be called at once: of two calls of one method the second waits for its turn,
    and that wait counts towards its deadline.

    http:        a client for the cluster's address, as ``open_rapi`` makes it
    deadline_s:  how long one request may take in all
    limit_bytes: the largest answer that is read
    """

    http: httpx.AsyncClient
    user: str
    deadline_s: float = DEADLINE_S
    limit_bytes: int = LIMIT_BYTES
    turns: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    async def info(self) -> Cluster:
        return await self._get("/2/info", answers.CLUSTER)

    async def instances(self) -> tuple[Instance, ...]:
        """Every instance in the cluster's configuration, whether or not its node answers."""
        return await self._get("/2/instances?bulk=1", answers.INSTANCES)

    async def nodes(self) -> tuple[Node, ...]:
        """Every node in the cluster's configuration, whether or not it answers."""
        return await self._get("/2/nodes?bulk=1", answers.NODES)

    async def groups(self) -> tuple[Group, ...]:
        return await self._get("/2/groups?bulk=1", answers.GROUPS)

    async def _get(self, path: str, decoder: msgspec.json.Decoder[AnswerT]) -> AnswerT:
        where = f"{self.http.base_url}{path}"
        try:
            async with asyncio.timeout(self.deadline_s), self.turns[path]:
                body = await self._body(path, where)
        except TimeoutError as error:
            raise Unreachable(f"{where}: no answer within {self.deadline_s:g} s") from error
        except httpx.HTTPError as error:
            raise explained(error, where) from error
        try:
            return decoder.decode(body)
        except NONSENSE as error:
            raise BadReading(f"{where}: {error}") from error

    async def _body(self, path: str, where: str) -> bytes:
        async with self.http.stream("GET", path) as answer:
            if answer.status_code != httpx.codes.OK:
                raise self._refusal(answer, await _read(answer, REFUSAL_BYTES, where), where)
            kind = answer.headers.get("Content-Type", "")
            if kind.partition(";")[0].strip().lower() != "application/json":
                raise BadReading(f"{where}: answers {kind or 'nothing'!r}; is that a RAPI?")
            return await _read(answer, self.limit_bytes, where)

    def _refusal(
        self, answer: httpx.Response, body: bytes, where: str
    ) -> Refused | Unreachable | BadReading:
        """What an answer other than 200 means."""
        status = answer.status_code
        if status == httpx.codes.UNAUTHORIZED:
            return Refused(f"{where}: {_unknown(self.user)}")
        if status == httpx.codes.FORBIDDEN:
            return Refused(
                f"{where}: the RAPI user {self.user!r} needs more rights: give its line in "
                "/var/lib/ganeti/rapi/users the option read"
            )
        said = f"{where}: {status} {_message(body) or answer.reason_phrase}"
        if answer.is_server_error:
            return Unreachable(said)
        if answer.is_redirect:
            said += f" to {answer.headers.get('Location')}, which is not followed"
        return BadReading(f"{said}; is that a RAPI?")


@asynccontextmanager
async def open_rapi(
    url: str,
    trusted: ssl.SSLContext,
    *,
    user: str = "",
    password: Secret | None = None,
    deadline_s: float = DEADLINE_S,
    limit_bytes: int = LIMIT_BYTES,
) -> AsyncIterator[Rapi]:
    """Open a cluster's RAPI; nothing is sent until something is asked.

    url:     "https://<cluster's name>:5080"
    trusted: from ``clients.trust``: how the cluster proves who it is
    user:    "" asks as nobody, which clusters allow that run without --require-authentication
    """
    async with httpx.AsyncClient(
        base_url=url,
        verify=trusted,
        auth=httpx.BasicAuth(user, password.reveal() if password else "") if user else None,
        # The deadline is for the whole request. Connecting has one of its own besides, since
        # httpcore forgets to close a socket whose handshake is cancelled.
        timeout=httpx.Timeout(None, connect=min(CONNECT_S, deadline_s / 3)),
        limits=httpx.Limits(max_keepalive_connections=0),  # RAPI closes each one anyway
        follow_redirects=False,
        trust_env=False,  # no proxy is told the password because a variable names it
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    ) as http:
        yield Rapi(http, user, deadline_s, limit_bytes)


async def _read(answer: httpx.Response, limit_bytes: int, where: str) -> bytes:
    """The body as it came. Raises BadReading if it is larger than that."""
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > limit_bytes:
            raise BadReading(f"{where}: the answer is larger than {limit_bytes:,} bytes")
    return bytes(body)


def _message(body: bytes) -> str:
    try:
        return html.unescape(answers.REFUSAL.decode(body).message)
    except NONSENSE:
        return ""


def _unknown(user: str) -> str:
    if not user:
        return "asks for a user, and none is configured"
    return (
        f"the RAPI user {user!r} and its password are not known; "
        "they stand in /var/lib/ganeti/rapi/users on the master"
    )


def explained(error: httpx.HTTPError, where: str) -> Unreachable:
    """Why nothing came, in words that name the cause below httpx."""
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(
            f"{where}: no connection in time: is it on, and does a firewall drop it?"
        )
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Refused(f"{where}: {reason(cause, HOW_KNOWN)}")
        if isinstance(cause, OSError) and cause.errno:
            return Unreachable(f"{where}: {reason(cause)}")
    return Unreachable(f"{where}: {error or type(error).__name__}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    below: BaseException | None = error
    while below:
        yield below
        below = below.__cause__ or below.__context__
