"""A real upsd, with NUT's own dummy-ups drivers before it, and a certificate.

Debian builds it with NSS, which keeps certificates in a database of its own.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from tests.clients.ganeti.fake import Identity, identity
from tests.sources.programs import found, free_port, started

DEVICES: dict[str, dict[str, str | float]] = {
    "modern": {"ups.status": "OL", "ups.realpower": 504, "output.voltage": 229.8},
    "moving": {"ups.status": "OL", "ups.realpower": 100},
    "fading": {"ups.status": "OL", "ups.realpower": 100},
    "simple": {"ups.status": "OL", "ups.load": 40, "ups.realpower.nominal": 540},
    "mute": {"ups.status": "OL", "battery.charge": 100},
    "odd": {"ups.status": "OL", "ups.realpower": "n/a"},
    "output": {"ups.status": "OL", "output.realpower": 301, "input.realpower": 333},
    "input": {"ups.status": "OL", "input.realpower": 222},
    "three": {
        "ups.status": "OL",
        "output.L1.realpower": 100,
        "output.L2.realpower": 200,
        "output.L3.realpower": 50.5,
        "input.L1.realpower": 110,
        "input.L2.realpower": 210,
        "input.L3.realpower": 60,
    },
    "chain": {
        "ups.status": "OL",
        "outlet.0.realpower": 70,
        "outlet.group.1.realpower": 30,
        "device.2.outlet.1.realpower": 11,
        "device.2.input.realpower": 12,
    },
    "pdu": {
        "ups.status": "OL",
        "outlet.1.realpower": 120.5,
        "outlet.1.current": 0.6,
        "outlet.2.realpower": 80,
    },
}
LIBRARY = Path("/lib/nut")


@dataclass(frozen=True)
class Nut:
    """upsd at ``port``, and the drivers before it, by UPS. identity: what it proves with."""

    port: int
    folder: Path
    drivers: dict[str, "subprocess.Popen[bytes]"]
    identity: Identity

    def set(self, ups: str, **values: float) -> None:
        """Values with __ for each dot. dummy-ups takes what upsd is told to set."""
        for name, value in values.items():
            told = f"{name.replace('__', '.')}={value}"
            asked = ["upsrw", "-w", "-s", told, "-u", "admin", "-p", "adminpw"]
            subprocess.run([*asked, f"{ups}@127.0.0.1:{self.port}"], check=True, env=self.env)

    def stop(self, ups: str) -> None:
        self.drivers[ups].send_signal(signal.SIGSTOP)

    @property
    def env(self) -> dict[str, str]:
        paths = ("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH")
        return os.environ | dict.fromkeys(paths, str(self.folder))


def _configure(folder: Path, port: int) -> None:
    sections = []
    for name, values in DEVICES.items():
        lines = [f"{key}: {value}" for key, value in values.items()]
        (folder / f"{name}.dev").write_text("\n".join(lines) + "\n")
        sections.append(f"[{name}]\ndriver = dummy-ups\nport = {name}.dev\nmode = dummy-once\n")
    (folder / "ups.conf").write_text(
        "pollinterval = 1\n" + "".join(sections) + "[ghost]\ndriver = dummy-ups\nport = x\n"
    )
    (folder / "upsd.conf").write_text(
        f"LISTEN 127.0.0.1 {port}\nMAXAGE 2\n"
        f'CERTPATH {folder}/database\nCERTIDENT upsd ""\nDISABLE_WEAK_SSL true\n'
    )
    (folder / "upsd.users").write_text("[admin]\npassword = adminpw\nactions = SET\n")
    (folder / "nut.conf").write_text("MODE=netserver\n")
    for file in folder.iterdir():
        file.chmod(0o600)


def _certify(folder: Path) -> Identity:
    """Make a certificate, and put it into a database of NSS."""
    certutil, pk12util = (found(name, "libnss3-tools") for name in ("certutil", "pk12util"))
    made = identity(folder / "identity.pem", address="127.0.0.1")
    key = load_pem_private_key(made.file.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    bundle, database = folder / "identity.p12", folder / "database"
    sealed = pkcs12.serialize_key_and_certificates(
        b"upsd", key, made.certificate, None, BestAvailableEncryption(b"bundle")
    )
    bundle.write_bytes(sealed)
    database.mkdir()
    subprocess.run([certutil, "-N", "-d", f"sql:{database}", "--empty-password"], check=True)
    taken: list[str | Path] = [
        pk12util,
        "-i",
        bundle,
        "-d",
        f"sql:{database}",
        "-W",
        "bundle",
        "-K",
        "",
    ]
    subprocess.run(taken, check=True, stdout=subprocess.DEVNULL)
    return made


def _answers(port: int) -> Callable[[], bool]:
    """Whether upsd has heard all drivers' values."""

    def all_told() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as upsd, upsd.makefile() as said:
                asked = [
                    f"GET VAR {name} {key}\n" for name, keys in DEVICES.items() for key in keys
                ]
                upsd.sendall("".join(asked).encode())
                return all(said.readline().startswith("VAR") for _ in asked)
        except OSError:
            return False

    return all_told


@pytest.fixture(scope="session")
def nut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nut]:
    found(str(LIBRARY / "upsd"), "nut-server")
    found("upsrw", "nut-client")
    folder, port = tmp_path_factory.mktemp("nut"), free_port()
    log = folder.parent / f"{folder.name}.log"
    _configure(folder, port)
    made = Nut(port, folder, {}, _certify(folder))
    user = ["-F", "-u", "root"]
    with ExitStack() as stack:
        for name in DEVICES:
            command: list[str | Path] = [LIBRARY / "dummy-ups", *user, "-a", name]
            ready = (folder / f"dummy-ups-{name}").exists
            running = started(command, ready, log, made.env)
            made.drivers[name] = stack.enter_context(running)
        server = started([LIBRARY / "upsd", *user], _answers(port), log, made.env)
        stack.enter_context(server)
        yield made
