"""A peer that speaks HTTPS on loopback and answers as it is told: as RAPI does, or as it must not.

What real clusters answer is in the tests against a real one; this is for what they cannot be
made to do.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """One answer.

    claims: what Content-Length says, if not the truth
    hangs:  whether the connection is then kept open without another word
    """

    body: bytes = b""
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=lambda: JSON)
    claims: int | None = None
    hangs: bool = False

    def encoded(self) -> bytes:
        length = len(self.body) if self.claims is None else self.claims
        headers = {"Server": "Ganeti 3.0.2", "Connection": "close", "Content-Length": str(length)}
        lines = [f"{name}: {value}" for name, value in (headers | self.headers).items()]
        return "\r\n".join([f"HTTP/1.1 {self.status}", *lines, "", ""]).encode() + self.body


SILENCE = b""


def refusal(status: str, message: str = "") -> Answer:
    """How RAPI says anything but 200."""
    code, _, reason = status.partition(" ")
    said = {"code": int(code), "message": message or reason, "explain": ""}
    return Answer(json.dumps(said).encode(), status)


def good(value: object) -> Answer:
    return Answer(json.dumps(value).encode())


@dataclass
class Rapi:
    """What the peer answers to each path, and what it was asked.

    answers: path with its query to answer; bytes are sent as they are, SILENCE is never broken
    asked:   path and headers of each request
    most:    how many requests of one path were open at once at most
    arrived: the paths again, to be waited for
    hold:    an event that every answer waits for
    """

    answers: dict[str, Answer | bytes] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    port: int = 0
    arrived: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    hold: asyncio.Event | None = None
    tasks: "set[asyncio.Task[object]]" = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def cluster(
        self,
        instances: object = (),
        nodes: object = (),
        groups: object = (),
        info: object = None,
    ) -> None:
        """Answer as a healthy cluster."""
        self.answers |= {
            "/2/info": good(info or {"name": "gnt.example", "enabled_hypervisors": ["kvm"]}),
            "/2/instances?bulk=1": good(instances),
            "/2/nodes?bulk=1": good(nodes),
            "/2/groups?bulk=1": good(groups),
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self.tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()  # the client has gone, as some tests want
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        self.asked.append((path, dict(line.split(": ", 1) for line in head[1:] if line)))
        self.arrived.put_nowait(path)
        self.open[path] = self.open.get(path, 0) + 1
        self.most[path] = max(self.most.get(path, 0), self.open[path])
        try:
            if self.hold:
                await self.hold.wait()
            answer = self.answers.get(path, refusal("404 Not Found"))
            writer.write(answer if isinstance(answer, bytes) else answer.encoded())
            await writer.drain()
            if answer == SILENCE or (isinstance(answer, Answer) and answer.hangs):
                await reader.read()  # until the client gives up
        finally:
            self.open[path] -= 1


@dataclass(frozen=True)
class Identity:
    """A key and a certificate signed by itself; both in one file, as in RAPI's rapi.pem."""

    file: Path
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> bytes:
        return self.certificate.fingerprint(hashes.SHA256())

    @property
    def ways(self) -> list[dict[str, str]]:
        """How a configuration may say that it is believed."""
        file = str(self.file)
        return [
            {"certificate": file},
            {"verify": "pin", "certificate": file},
            {"verify": "pin", "fingerprint": self.fingerprint.hex(":")},
            {"verify": "none"},
        ]

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context


def identity(file: Path, *, until: int = 2100, address: str = "") -> Identity:
    """Make one.

    until:   the year in which it expires
    address: what it is good for; RAPI's own names nothing that could be checked
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ganeti.example.com")])
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(datetime(until, 1, 1))
    )
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return Identity(file, certificate)


@asynccontextmanager
async def serving(rapi: Rapi, context: ssl.SSLContext | None) -> AsyncIterator[Rapi]:
    """Listen on a free port of loopback; without TLS if there is no context."""
    server = await asyncio.start_server(rapi.serve, "127.0.0.1", 0, ssl=context)
    rapi.port = server.sockets[0].getsockname()[1]
    try:
        yield rapi
    finally:
        if rapi.hold:
            rapi.hold.set()
        server.close()
        await server.wait_closed()
        if rapi.tasks:
            await asyncio.wait(rapi.tasks, timeout=5)
