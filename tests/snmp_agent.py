"""A real SNMP agent for the tests: Net-SNMP's snmpd, which says what a test tells it to.

What it says stands in a file; snmpd asks ``snmp_values.py`` beside this (its ``pass_persist``),
which reads that file. Every agent has a folder, a free port of 127.0.0.1 and one process, which
ends with the test.

    with running(tmp_path) as agent:
        agent.say({"1.3.6.1.4.1.534.6.6.7.6.5.1.3.0.1": 212})
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gufo.snmp.sync import SnmpSession

from tests.patience import eventually

PACKAGE = "snmpd"
VALUES = Path(__file__).with_name("snmp_values.py")
COMMUNITY = "osl-community"
PACKETS = "1.3.6.1.2.1.11.1.0"  # SNMPv2-MIB, snmpInPkts
ENTERPRISES = ".1.3.6.1.4.1"
DEADLINE_S = 10
USERS = {  # name: what snmpd's createUser wants, and the least that the agent asks of the user
    "nobody": ("", "noauth"),
    "signs-md5": ('MD5 "alice-auth-key"', "auth"),
    "signs-sha": ('SHA "alice-auth-key"', "auth"),
    "signs-sha256": ('SHA-256 "alice-auth-key"', "auth"),
    "hides-des": ('MD5 "alice-auth-key" DES "alice-privacy-key"', "priv"),
    "hides-aes": ('SHA "alice-auth-key" AES "alice-privacy-key"', "priv"),
    "hides-aes256": ('SHA-256 "alice-auth-key" AES-256 "alice-privacy-key"', "priv"),
    "hides-sha512": ('SHA-512 "alice-auth-key" AES "alice-privacy-key"', "priv"),
}

Said = int | str | tuple[str, str]
"""What an object says: a number, a text, or a type that snmpd knows ("gauge") and its value."""


class Missing(Exception):
    """There can be no agent here; one line says why."""


@dataclass
class Agent:
    """A running agent.

    pid: of the one process there is, or None
    """

    folder: Path
    port: int
    more: str = ""  # lines for its configuration
    values: dict[str, Said] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def say(self, values: Mapping[str, Said], *, forget: bool = False) -> None:
        """Say these besides what it says already, or instead of it."""
        self.values = {} if forget else self.values
        self.values |= values
        rows = {oid: _typed(value) for oid, value in self.values.items()}
        new = self.folder / "values.new"
        new.write_text(json.dumps(rows))
        new.replace(self.folder / "values.json")

    def start(self) -> None:
        """Start, and wait until it listens."""
        (self.folder / "snmpd.conf").write_text(_configuration(self.folder, self.more))
        kept = ["kept/snmpd.conf"] if (self.folder / "kept" / "snmpd.conf").exists() else []
        files = ",".join(["snmpd.conf", *kept])
        command = [_program(), "-f", "-Lo", "-C", "-c", files, "-I", "-smux"]
        with (self.folder / "snmpd.log").open("w") as log:  # a pipe that nobody reads gets full
            self.process = subprocess.Popen(
                [*command, f"udp:127.0.0.1:{self.port}"],
                cwd=self.folder,
                env=os.environ | {"SNMP_PERSISTENT_DIR": str(self.folder / "kept"), "MIBS": ""},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        what = f"snmpd's answer; see {self.folder / 'snmpd.log'}"
        eventually(self._answers, what, seconds=DEADLINE_S, every_s=0.01, process=self.process)

    def _answers(self) -> bool:
        try:
            return self.requests() > 0
        except TimeoutError:
            return False

    def stop(self) -> None:
        """End it; it then writes down how often it was started."""
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(DEADLINE_S)
            self.process = None

    def restart(self) -> None:
        """End and begin again, as after a power cut: SNMPv3 then counts one more boot."""
        self.stop()
        self.start()

    def requests(self) -> int:
        """How many packets it has got since it was started, this question among them."""
        with SnmpSession(
            addr="127.0.0.1", port=self.port, community=COMMUNITY, timeout=1.0
        ) as session:
            got = session.get(PACKETS)
        assert isinstance(got, int)
        return got

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it hang, and go on at the end."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def running(folder: Path, more: str = "") -> Iterator[Agent]:
    """An agent for as long as the block lasts.

    more: lines for its configuration
    """
    agent = Agent(folder, free_port(), more)
    (folder / "kept").mkdir()
    agent.say({})
    try:
        agent.start()
        yield agent
    finally:
        agent.stop()


def free_port() -> int:
    """A UDP port of 127.0.0.1 that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _configuration(folder: Path, more: str) -> str:
    lines = [
        f"rocommunity {COMMUNITY} 127.0.0.1",
        "sysdescr EATON ePDU of the tests",
        f"pass_persist {ENTERPRISES} {sys.executable} -u {VALUES} {folder / 'values.json'}",
    ]
    for name, (keys, level) in USERS.items():
        lines += [f"createUser {name} {keys}", f"rouser {name} {level}"]
    return "\n".join([*lines, more, ""])


def _program() -> str:
    found = shutil.which("snmpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not found:
        raise Missing(f"there is no snmpd (sudo apt-get install {PACKAGE})")
    return found


def _typed(value: Said) -> tuple[str, str]:
    if isinstance(value, tuple):
        return value
    return ("integer" if isinstance(value, int) else "string", str(value))
