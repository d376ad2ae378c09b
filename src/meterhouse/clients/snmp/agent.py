"""An SNMP agent: its objects got many at once, its tables walked, its silence explained.

gufo_snmp tells apart neither why an agent answers with an error (too big, no such name, general
error) nor which object was meant: the answer holds no values. So what came back empty is asked for
in halves, and what proved to be the reason is remembered.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from gufo.snmp import SnmpAuthError, SnmpDecodeError, SnmpError
from gufo.snmp.aio import SnmpSession

from meterhouse.clients.reasons import reason
from meterhouse.clients.snmp.access import Access, Version
from meterhouse.clients.snmp.gate import Gate, gated
from meterhouse.clients.snmp.sizes import fitting
from meterhouse.metering.errors import BadReading, Unreachable

T = TypeVar("T")
Value = str | bytes | int | float
Said = dict[str, Value]
Resolve = Callable[[Callable[[], str]], Awaitable[str]]

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
WAIT_S = 1.0
TRIES = 3
LONGEST_WALK = 4096  # rows
REST_S = 15 * 60
"""What an SNMPv1 agent does not have makes the whole answer an error: it is not asked for again
before this."""


class Refused(Unreachable):
    """The agent answers, but not to us: somebody has to set that right."""


@dataclass(slots=True)
class Agent:
    """One agent. Every method raises Unreachable, Refused or BadReading. One at a time.

    where: how people call it, for messages
    """

    session: SnmpSession
    access: Access
    where: str
    wait_s: float
    tries: int
    gate: Gate | None = None

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """What these objects say, asked for at once; those that are not there are left out.

        None at all may also mean that the answer would be too big, or is an error: see Query.
        """
        said = await self._asked(lambda: self.session.get_many(oids))
        return {oid: value for oid, value in said.items() if value is not None}

    async def walk(self, column: str) -> list[tuple[str, Value]]:
        """The rows of a column in the agent's order, each with what it says.

        A row is the part of its OID after the column's, without the dot between.
        """
        steps = self.session.fetch(column)
        rows: list[tuple[str, Value]] = []
        while (row := await self._asked(lambda: anext(steps, None))) is not None:
            oid, value = row
            if value is not None:
                rows.append((oid.removeprefix(f"{column}."), value))
            if len(rows) > LONGEST_WALK:
                raise BadReading(f"{self.where}: the table {column} has no end")
        return rows

    async def greet(self) -> None:
        """Make sure that it answers us at all. What it says is its own business."""
        await self._asked(self.session.refresh)
        await self.get([SYS_DESCR])

    async def itself(self) -> tuple[str, str]:
        """What it says that it is: a description, and its kind's OID; "" where it does not say."""
        said = {**await self.get([SYS_DESCR]), **await self.get([SYS_OBJECT_ID])}
        described = said.get(SYS_DESCR, b"")
        text = described.decode("utf-8", "replace") if isinstance(described, bytes) else ""
        return " ".join(text.split()), str(said.get(SYS_OBJECT_ID, ""))

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        with _translated(self):
            try:
                return await self._patiently(ask)
            except SnmpAuthError:
                # With v3 a request carries the agent's clock and count of boots. Where they have
                # moved on, the refusal has brought the new ones.
                return await self._patiently(ask)

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again if nothing comes: a datagram may be lost on the way."""
        for _ in range(self.tries - 1):
            with contextlib.suppress(TimeoutError):
                return await ask()
        return await ask()


@dataclass(slots=True)
class Query:
    """The same objects of an agent, asked for again and again, with what was learnt of it.

    groups: what is asked for at once; at first as much as fits
    resting: what is not asked for now, and until when (the loop's seconds)
    """

    agent: Agent
    oids: tuple[str, ...]
    groups: list[tuple[str, ...]] = field(default_factory=list)
    resting: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = list(fitting(self.oids))

    async def settle(self) -> dict[str, Value]:
        """Answer for the first time. An agent that is silent where much is asked is asked less.

        Some agents say nothing where they should say that an answer is too big.
        """
        said: dict[str, Value] = {}
        pending, self.groups = self.groups, []
        while pending:
            group = pending.pop(0)
            try:
                said |= await self._group(group)
            except Refused:
                raise
            except Unreachable:
                if len(group) == 1:
                    raise
                pending[:0] = _halves(group)
        return said

    async def answer(self) -> dict[str, Value]:
        """What they say now; those that are not there are left out."""
        self._wake()
        groups, self.groups = self.groups, []
        said: dict[str, Value] = {}
        for number, group in enumerate(groups):
            try:
                said |= await self._group(group)
            except BaseException:
                self.groups += groups[number:]
                raise
        return said

    async def _group(self, group: tuple[str, ...]) -> dict[str, Value]:
        """Ask for a group; keep it, or what it should be from now on."""
        said = await self.agent.get(group)
        if said or len(group) == 1:
            self.groups.append(group)
            return said
        lacking: list[str] = []
        parts: list[tuple[str, ...]] = []
        said = await self._halved(group, lacking, parts)
        if lacking:
            until = asyncio.get_running_loop().time() + REST_S
            self.resting |= dict.fromkeys(lacking, until)
            rest = tuple(oid for oid in group if oid not in self.resting)
            self.groups += [rest] if rest else []
        else:
            self.groups += parts
        return said

    async def _halved(
        self, group: tuple[str, ...], lacking: list[str], parts: list[tuple[str, ...]]
    ) -> dict[str, Value]:
        said: dict[str, Value] = {}
        for half in _halves(group):
            found = await self.agent.get(half)
            if found:
                parts.append(half)
            elif len(half) == 1:
                lacking += half
            else:
                found = await self._halved(half, lacking, parts)
            said |= found
        return said

    def _wake(self) -> None:
        """Ask again for what has rested long enough."""
        now = asyncio.get_running_loop().time()
        awake = [oid for oid, until in self.resting.items() if until <= now]
        if awake:
            self.resting = {o: until for o, until in self.resting.items() if until > now}
            self.groups += fitting(awake)


@asynccontextmanager
async def open_agent(
    host: str,
    port: int,
    access: Access,
    resolve: Resolve,
    *,
    wait_s: float = WAIT_S,
    tries: int = TRIES,
) -> AsyncIterator[Agent]:
    """Make sure that an agent answers.

    resolve: does what blocks, elsewhere: asking for the address of a name
    wait_s:  for one answer, before it is asked again
    """
    where = f"{host}:{port}" if ":" not in host else f"[{host}]:{port}"
    address = await _address(host, where, resolve)
    with contextlib.ExitStack() as stack:
        try:
            session = access.session(address, port, wait_s)
            gate = (
                stack.enter_context(gated(session, address, port, access)) if access.auth else None
            )
        except OSError as error:
            raise Unreachable(f"{where}: {error}") from error
        agent = Agent(session, access, where, wait_s, tries, gate)
        await agent.greet()
        yield agent


async def _address(host: str, where: str, resolve: Resolve) -> str:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host))
    try:
        return await resolve(lambda: str(_looked_up(host)))
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{where}: the name cannot be resolved: {reason(error)}") from error


def _looked_up(host: str) -> object:
    return socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0]


def _halves(group: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    middle = (len(group) + 1) // 2
    return group[:middle], group[middle:]


def _is_refusal(error: TimeoutError) -> bool:
    """Whether the machine says that nothing listens; gufo_snmp makes a TimeoutError of it."""
    return "refused" in f"{error} {error.__cause__}"


@contextlib.contextmanager
def _translated(agent: Agent) -> Iterator[None]:
    """Say what went wrong, and what to look at."""
    try:
        yield
    except TimeoutError as error:
        raise Unreachable(_silence(agent, error)) from error
    except SnmpAuthError as error:
        raise Refused(f"{agent.where}: {_refusal(agent.access)}") from error
    except SnmpDecodeError as error:
        raise BadReading(f"{agent.where}: {_NO_SNMP} ({error})") from error
    except (SnmpError, OSError) as error:
        raise Unreachable(f"{agent.where}: {error or type(error).__name__}") from error
    except BaseException as error:
        # Rust's panic, where gufo_snmp reads beyond what came.
        if type(error).__name__ != "PanicException":
            raise
        raise BadReading(f"{agent.where}: {_NO_SNMP} ({error})") from None


_NO_SNMP = "answers, but that is no SNMP; is there an agent on that port?"


def _refusal(access: Access) -> str:
    if access.version is not Version.V3:
        return "the agent does not let this community read"
    asked = "nothing" if not access.auth else "auth" if not access.privacy else "auth and privacy"
    return (
        f"the agent refuses the user {access.user!r}, who comes with {asked}: "
        "look at user, auth and auth_key, and at what the agent demands of that user"
    )


def _silence(agent: Agent, error: TimeoutError) -> str:
    where, access = agent.where, agent.access
    if _is_refusal(error) or (agent.gate and agent.gate.refused):
        return f"{where}: nothing listens on this UDP port; is SNMP switched on there?"
    seconds = agent.tries * agent.wait_s
    said = f"{where}: no answer within {seconds:g} s: is it on, and does it let this machine ask?"
    if access.version is not Version.V3:
        return f"{said} Look at the community too: an agent never answers to a wrong one"
    if access.privacy:
        return f"{said} Look at privacy and privacy_key too: a wrong one is not answered either"
    return said
