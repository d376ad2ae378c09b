"""A broker that others wrote (mosquitto): open, with logins, and with TLS."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import pytest
from tests.clients.ganeti import fake
from tests.sources.programs import found, free_port, listens, started


@dataclass(frozen=True)
class Broker:
    """One that is running.

    secure, tls, mutual: its ports for those with a login, with TLS, and with a certificate
    """

    port: int
    secure: int
    tls: int
    mutual: int
    identity: fake.Identity
    process: "subprocess.Popen[bytes]"

    @asynccontextmanager
    async def device(self) -> AsyncIterator[aiomqtt.Client]:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            yield client


CONFIG = """
per_listener_settings true
user root
persistence false
listener {port} 127.0.0.1
allow_anonymous true
listener {secure} 127.0.0.1
allow_anonymous false
password_file {folder}/users
acl_file {folder}/rights
listener {tls} 127.0.0.1
allow_anonymous true
certfile {identity}
keyfile {identity}
listener {mutual} 127.0.0.1
allow_anonymous true
certfile {identity}
keyfile {identity}
cafile {identity}
require_certificate true
"""


@contextmanager
def running(folder: Path) -> Iterator[Broker]:
    mosquitto = found("mosquitto", "mosquitto")
    identity = fake.identity(folder / "identity.pem", address="127.0.0.1")
    users = folder / "users"
    users.write_text("alice:alice-pw\n")
    subprocess.run([found("mosquitto_passwd", "mosquitto"), "-U", users], check=True)
    (folder / "rights").write_text("user alice\ntopic read lab/#\n")
    for file in (users, folder / "rights"):
        file.chmod(0o600)
    port, secure, tls, mutual = (free_port() for _ in range(4))
    config = folder / "mosquitto.conf"
    config.write_text(
        CONFIG.format(
            folder=folder,
            port=port,
            secure=secure,
            tls=tls,
            mutual=mutual,
            identity=identity.file,
        )
    )
    with started([mosquitto, "-c", config], listens(mutual), folder / "log") as process:
        yield Broker(port, secure, tls, mutual, identity, process)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def mortal(tmp_path: Path) -> AbstractContextManager[Broker]:
    """A broker for a test that ends it."""
    return running(tmp_path)
