"""Who asks in the lean layer, and what they may see: worked out once, and remembered shortly.

Three kinds of credential open the same door:

    X-Auth-Token         a Keystone token with the role that is needed sees everything
    X-Auth-Token, Authorization: Bearer
                         a token of our own (mh_…) sees what its login may see
    Cookie               a session of the pages likewise

What blocks runs in a few threads of its own, each question once however many ask it at the same
time. Keystone has threads of its own, too: while it hangs, our own tokens open the door. Tokens
are remembered by their hash.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser, User
from django.db import close_old_connections
from django.http import HttpRequest, parse_cookie

from meterhouse.clients.keystone.account import Bearer
from meterhouse.inventory import reading as inventory
from meterhouse.live.answers import Sight
from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import Unreachable
from meterhouse.web import tokens
from meterhouse.web.rights import scope_of

log = logging.getLogger(__name__)

OWN_MS = 10_000  # how long a token or session of our own is not looked at again
REFUSED_MS = 5_000
MOST_REMEMBERED = 10_000
MOST_WAITING = 64  # questions; who comes then is told to come back
THREADS = 4
AWAY_S = 15.0  # for one question to Keystone: logging in, and asking

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may look.

    sight:  the resources that are theirs now; None: all
    login:  the number of their login; None: they have none here
    """

    sight: Sight
    login: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nobody is let in: an HTTP status, one line, and headers."""

    status: int
    error: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class KeystoneDoor:
    """Keystone, the role it takes, and for how long its word is remembered.

    ask:  whose a token is; blocks. Raises Unreachable
    """

    ask: Callable[[str], Bearer | None]
    uri: str
    role: str
    remembered_ms: int


@dataclass(frozen=True, slots=True)
class Credential:
    """kind: "own", "keystone" or "session"."""

    kind: str
    text: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(f"{self.kind} {self.text}".encode()).digest()


Verdict = Reader | Refusal
Dated = tuple[Verdict, int]
"""And until when it may be remembered, milliseconds since 1970."""


class Readers:
    """Asked in the event loop only.

    threads:  where our own database is asked
    """

    def __init__(
        self, clock: Clock, door: KeystoneDoor | None = None, threads: Executor | None = None
    ) -> None:
        self._clock = clock
        self._door = door
        self._known: OrderedDict[bytes, Dated] = OrderedDict()
        self._refused: OrderedDict[bytes, Dated] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Verdict]] = {}
        self._asking_keystone: dict[bytes, asyncio.Task[Verdict]] = {}
        self._threads = threads or ThreadPoolExecutor(THREADS, thread_name_prefix="readers")
        self._askers = ThreadPoolExecutor(THREADS, thread_name_prefix="keystone")
        self._was_away = False

    async def of(self, headers: Headers) -> Verdict:
        """Who asks with these headers, or why they are not let in."""
        credential = credential_in(headers)
        if credential is None:
            return self._nobody("a token is needed")
        digest = credential.digest
        now_ms = self._clock.now_ms()
        for memory in (self._known, self._refused):
            verdict, until_ms = memory.get(digest, (None, 0))
            if verdict is not None and now_ms < until_ms:
                return verdict
        return await self._asked_once(digest, credential)

    async def whose(self, headers: Headers) -> bytes:
        """Who asks, as something equal for all tokens and sessions of one login; b"" for who
        shows nothing.
        """
        credential = credential_in(headers)
        if credential is None:
            return b""
        reader = await self.of(headers)
        if isinstance(reader, Reader) and reader.login is not None:
            return b"login %d" % reader.login
        return credential.digest

    async def _asked_once(self, digest: bytes, credential: Credential) -> Verdict:
        asking = self._asking_keystone if credential.kind == "keystone" else self._asking
        task = asking.get(digest)
        if task is None:
            if len(asking) >= MOST_WAITING:
                return _later("too many tokens are being checked")
            task = asking[digest] = asyncio.create_task(self._ask(digest, credential))
            task.add_done_callback(lambda _: asking.pop(digest, None))
        # One of those who wait may go away; the others still want to know.
        return await asyncio.shield(task)

    async def _ask(self, digest: bytes, credential: Credential) -> Verdict:
        asked = self._keystone if credential.kind == "keystone" else self._own
        verdict, until_ms = await asked(credential)
        memory = self._known if isinstance(verdict, Reader) else self._refused
        memory[digest] = (verdict, until_ms)
        memory.move_to_end(digest)
        if len(memory) > MOST_REMEMBERED:
            memory.popitem(last=False)
        return verdict

    async def _own(self, credential: Credential) -> Dated:
        loop = asyncio.get_running_loop()
        try:
            reader = await loop.run_in_executor(self._threads, self._reader, credential)
        except Exception as error:  # noqa: BLE001 - whatever the database says, nobody is let in
            log.error("tokens cannot be looked up: %s", error)  # noqa: TRY400 - it says it all
            return _later("the database does not answer"), 0
        now_ms = self._clock.now_ms()
        return reader, now_ms + (REFUSED_MS if isinstance(reader, Refusal) else OWN_MS)

    def _reader(self, credential: Credential) -> Verdict:
        close_old_connections()  # a database that was away has left this thread a dead one
        if credential.kind == "own":
            login: User | AnonymousUser | None = tokens.login_of(
                credential.text, now=self._clock.now()
            )
        else:
            login = login_of_session(credential.text)
        if login is None or not login.is_authenticated:
            return self._nobody("this token is not known, or has expired")
        scope = scope_of(login)
        sight = None if scope.everything else inventory.resource_keys(scope)
        return Reader(sight, login.pk)

    async def _keystone(self, credential: Credential) -> Dated:
        now_ms = self._clock.now_ms()
        door = self._door
        if door is None:
            return self._nobody("this token is not known, or has expired"), now_ms + REFUSED_MS
        loop = asyncio.get_running_loop()
        asking = loop.run_in_executor(self._askers, door.ask, credential.text)
        try:
            bearer = await asyncio.wait_for(asking, AWAY_S)
        except (Unreachable, TimeoutError) as error:
            self._away(str(error) or f"Keystone at {door.uri} does not answer")
            return _later("Keystone does not answer"), 0
        self._away("")
        if bearer is None:
            return self._nobody("Keystone does not know this token"), now_ms + REFUSED_MS
        if door.role.lower() not in bearer.roles:
            refusal = Refusal(403, f"the role {door.role} is needed")
            return refusal, now_ms + REFUSED_MS
        return Reader(None), min(now_ms + door.remembered_ms, bearer.expires_ms)

    def _away(self, said: str) -> None:
        """A line when Keystone goes, and one when it is back."""
        if said and not self._was_away:
            log.error("tokens cannot be checked: %s", said)
        elif self._was_away and not said:
            log.warning("Keystone answers again")
        self._was_away = bool(said)

    def _nobody(self, error: str) -> Refusal:
        """Source: how keystonemiddleware's auth_token refuses, which Kwapi put before its API."""
        uri = self._door.uri if self._door else ""
        challenge = f"Keystone uri='{uri}'" if uri else 'Bearer realm="meterhouse"'
        return Refusal(401, error, ((b"www-authenticate", challenge.encode()),))


def _later(error: str) -> Refusal:
    return Refusal(503, error, ((b"retry-after", b"5"),))


def credential_in(headers: Headers) -> Credential | None:
    """What a request shows: its token, else its session."""
    found: Mapping[bytes, bytes] = dict(headers)
    token = found.get(b"x-auth-token", b"").decode("latin-1").strip()
    if not token:
        scheme, _, text = found.get(b"authorization", b"").decode("latin-1").partition(" ")
        token = text.strip() if scheme.lower() == "bearer" else ""
        if token:
            return Credential("own", token)
    if token:
        return Credential("own" if token.startswith(tokens.PREFIX) else "keystone", token)
    cookies = parse_cookie(found.get(b"cookie", b"").decode("latin-1"))
    session = cookies.get(settings.SESSION_COOKIE_NAME, "")
    return Credential("session", session) if session else None


def login_of_session(key: str) -> User | AnonymousUser:
    """Whose session it is, judged as the pages do: also by whether the password has changed."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return get_user(request)
