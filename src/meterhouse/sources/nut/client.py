"""A connection to upsd, and the one thing that is asked over it.

Source: Network UPS Tools, developer guide, "Network protocol information": GET VAR, USERNAME,
PASSWORD, STARTTLS and the error responses. LOGIN is never sent: it makes whoever sends it somebody
for whom the primary waits before it shuts the machines down.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.sources import reason

LONGEST = 4096  # bytes of an answer
CONNECT_S = 5.0
UPSD = "is that upsd?"
_VALUE = re.compile(r'VAR (\S+) (\S+) "((?:[^"\\]|\\.)*)"')

NO_SUCH = "VAR-NOT-SUPPORTED"
MEANINGS = {
    NO_SUCH: "it has no such figure",
    "UNKNOWN-UPS": "upsd knows no UPS of this name",
    "DRIVER-NOT-CONNECTED": "its driver is not running",
    "DATA-STALE": "its driver has lost the device",
    "ACCESS-DENIED": "upsd does not let this login read",
    "FEATURE-NOT-CONFIGURED": "it has no certificate: give it one in upsd.conf",
    "FEATURE-NOT-SUPPORTED": "it was built without TLS",
}


class Refused(Exception):
    """What upsd answers with ERR. code: its word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(MEANINGS.get(code, f"upsd says {code[:40]}"))
        self.code = code


class Upsd:
    """One connection, a question at a time."""

    def __init__(
        self, answers: asyncio.StreamReader, questions: asyncio.WriteTransport, where: str
    ) -> None:
        self._answers, self._questions, self.where = answers, questions, where

    async def encrypt(self, trusted: ssl.SSLContext, host: str) -> None:
        """From here on TLS is spoken. Raises Refused, Unreachable, OSError."""
        answer = await self.ask("STARTTLS")
        if not answer.startswith("OK"):
            raise Unreachable(f"{self.where}: {answer[:60]!r} is no answer to STARTTLS; {UPSD}")
        # A new reader: what somebody in between has put behind the plain answer is not read.
        self._answers = asyncio.StreamReader(LONGEST)
        protocol = asyncio.StreamReaderProtocol(self._answers)
        questions = await asyncio.get_running_loop().start_tls(
            self._questions, protocol, trusted, server_hostname=host
        )
        if questions is None:
            raise Unreachable(f"{self.where} has closed the connection")
        protocol.connection_made(questions)
        self._questions = questions

    def close(self) -> None:
        self._questions.close()

    async def variable(self, ups: str, name: str) -> str:
        """Raises Refused, BadReading, or Unreachable if the connection ends."""
        answer = await self.ask(f"GET VAR {ups} {name}")
        found = _VALUE.fullmatch(answer)
        if not found or found[1] != ups or found[2] != name:
            asked = f"GET VAR {ups} {name}"
            raise BadReading(f"{self.where}: {answer[:60]!r} is no answer to {asked}; {UPSD}")
        return re.sub(r"\\(.)", r"\1", found[3])

    async def ask(self, question: str) -> str:
        """One line for one line."""
        try:
            self._questions.write(f"{question}\n".encode())
            answer = await self._answers.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            raise Unreachable(f"{self.where}: an answer without an end") from error
        except (OSError, EOFError) as error:
            raise Unreachable(f"{self.where} has closed the connection") from error
        text = answer.decode("utf-8", "replace").strip()
        if text.startswith("ERR "):
            raise Refused(text.removeprefix("ERR ").split(" ")[0])
        return text


@asynccontextmanager
async def open_upsd(
    host: str, port: int, user: str, password: str, trusted: ssl.SSLContext | None
) -> AsyncIterator[Upsd]:
    """Raises Unreachable that says why there is no connection.

    trusted: from ``clients.trust``; then nothing is told before TLS is spoken
    """
    where = f"{host}:{port}"
    answers, loop = asyncio.StreamReader(LONGEST), asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            questions, _ = await loop.create_connection(
                lambda: asyncio.StreamReaderProtocol(answers), host, port
            )
    except OSError as error:
        raise Unreachable(f"{where}: {reason(error)}") from error
    upsd = Upsd(answers, questions, where)
    try:
        if trusted:
            await _encrypt(upsd, trusted, host)
        if user:
            await _log_in(upsd, user, password)
        yield upsd
    finally:
        upsd.close()


async def _encrypt(upsd: Upsd, trusted: ssl.SSLContext, host: str) -> None:
    try:
        await upsd.encrypt(trusted, host)
    except Refused as error:
        raise Unreachable(f"{upsd.where}: no TLS: {error}") from error
    except OSError as error:
        raise Unreachable(f"{upsd.where}: {reason(error)}") from error


async def _log_in(upsd: Upsd, user: str, password: str) -> None:
    try:
        await upsd.ask(f"USERNAME {_quoted(user)}")
        await upsd.ask(f"PASSWORD {_quoted(password)}")
    except Refused as error:
        raise Unreachable(f"{upsd.where}: the login: {error}") from error


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
