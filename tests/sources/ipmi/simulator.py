"""BMCs that OpenIPMI's ipmi_sim plays, on loopback: real sessions, sensors whose values move.

What ipmi_sim lacks, DCMI, is in ``dcmi.c`` beside this, which is compiled for each.
"""

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.patience import eventually

HERE = Path(__file__).parent
USER, PASSWORD = "metering", "bmc-secret"
PATIENCE_S = 20
PACKAGES = {
    "ipmi_sim": "openipmi",
    "gcc": "gcc",
    "ipmi-dcmi": "freeipmi-tools",
    "ipmi-raw": "freeipmi-tools",
}
NO_EVENTS = " ".join(["0" * 15] * 4)  # to assert or deassert, supported or enabled
CHANNEL_AUTHENTICATION = bytes.fromhex("0600ff0700000000000000000009 2018c8 8100388e04b5")
"""A question that a BMC answers to anybody. Source: IPMI 2.0, table 13-8 and 22.13."""


@dataclass(frozen=True)
class Sensor:
    """A sensor in watts, as an SDR describes it.

    kind:  "current", as Dell's Pwr Consumption says it is, or "other"
    steps: watts of one step; a reading has 255 of them
    """

    name: str
    kind: str = "current"
    steps: int = 2

    def record(self, number: int) -> bytes:
        """Source: IPMI 2.0 specification, table 43-1, full sensor record."""
        name = self.name.encode("ascii")
        body = bytes([0x20, 0, number])  # whose, on which LUN
        body += bytes([7 if self.kind == "current" else 10, number])  # system board; supply
        body += bytes([0x7F, 0x68, {"current": 0x03, "other": 0x0B}[self.kind], 0x01])
        body += bytes(6)  # no events, no thresholds
        body += bytes([0, 6, 0, 0])  # unsigned, watts, linear
        body += bytes([self.steps, 0, 0, 0, 0, 0])  # reading = steps * raw
        body += bytes([0, 0, 0, 0, 255, 0]) + bytes(6) + bytes(5)  # range; thresholds; the rest
        body += bytes([0xC0 | len(name)]) + name
        return bytes([0, 0, 0x51, 0x01, len(body)]) + body


@dataclass
class Bmc:
    """One that runs.

    watts: files that its readings come from; "dcmi" is DCMI's
    """

    folder: Path
    host: str
    port: int
    sensors: Mapping[str, Sensor]
    process: "subprocess.Popen[bytes]"

    def set(self, watts: int, *, measured: bool = True) -> None:
        """What DCMI says from now on."""
        (self.folder / "dcmi").write_text(f"{watts} {int(measured)}\n")

    def set_sensor(self, name: str, watts: int) -> None:
        """What a sensor says, a second later at most."""
        place = list(self.sensors).index(name) + 1
        (self.folder / f"sensor{place}").write_text(f"{watts // self.sensors[name].steps}\n")

    def set_password(self, password: str) -> None:
        """As an administrator would. It has 20 bytes, and is on a command line here."""
        login = self.folder / "admin.conf"
        login.write_text(f"username {USER}\npassword {PASSWORD}\n")
        told = [f"0x{byte:02x}" for byte in password.encode().ljust(20, b"\0")]
        subprocess.run(
            ["ipmi-raw", f"--config-file={login}", "--driver-type=LAN_2_0",
             "--workaround-flags=opensesspriv", "--privilege-level=ADMIN",
             f"--hostname={self.host}:{self.port}", "0x00", "0x06", "0x47", "0x82", "0x02", *told],
            check=True,
            capture_output=True,
            timeout=PATIENCE_S,
        )  # fmt: skip

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def bmc(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    dcmi: bool = True,
    sensors: Sequence[Sensor] = (),
    user: str = USER,
) -> Iterator[Bmc]:
    """Start one with these sensors; it is gone at the end.

    host: an address of loopback, of which there are 16 million
    """
    folder.mkdir(parents=True)
    port = _free_port(host)
    (folder / "lan.conf").write_text(_network(folder, f"{host} {port}", user, dcmi=dcmi))
    (folder / "bmc.emu").write_text(_commands(folder, sensors))
    (folder / "dcmi").write_text("200 1\n")
    for place in range(1, len(sensors) + 1):
        (folder / f"sensor{place}").write_text("50\n")
    command = [_program("ipmi_sim"), "-n", "-c", "lan.conf", "-f", "bmc.emu", "-s", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait(process, (host, port), folder / "log")
        yield Bmc(folder, host, port, {each.name: each for each in sensors}, process)
    finally:
        process.kill()  # also one that hangs
        process.wait(PATIENCE_S)


@contextmanager
def bmcs(folder: Path, count: int) -> Iterator[list[Bmc]]:
    """So many, all with DCMI."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(bmc(folder / str(number), host=f"127.0.0.{number + 1}"))
            for number in range(count)
        ]


def _network(folder: Path, address: str, user: str, *, dcmi: bool) -> str:
    """Source: ipmi_lan(5)."""
    levels = ("callback", "user", "operator", "admin")
    allowed = "\n".join(f"allowed_auths_{level} none md2 md5 straight" for level in levels)
    module = f'loadlib "{_module(folder)}" "{folder}/dcmi"\n' if dcmi else ""
    return (
        f'name "bmc"\n{module}set_working_mc 0x20\nstartlan 1\naddr {address}\n'
        f"priv_limit admin\n{allowed}\nguid a123456789abcdefa123456789abcdef\nendlan\n"
        f'user 2 true "{user}" "{PASSWORD}" admin 10 none md2 md5 straight\n'
    )


def _commands(folder: Path, sensors: Sequence[Sensor]) -> str:
    """Source: ipmi_sim_cmd(5)."""
    lines = [
        "mc_setbmc 0x20",
        "mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr",
        "sel_enable 0x20 100 0x0a",
    ]
    for number, sensor in enumerate(sensors, 1):
        kind = {"current": "0x03", "other": "0x0b"}[sensor.kind]
        record = " ".join(f"0x{byte:02x}" for byte in sensor.record(number))
        lines += [
            (
                f"sensor_add 0x20 0 {number} {kind} 0x01 "
                f'poll 100 file "{folder}/sensor{number}" base=10'
            ),
            f"sensor_set_event_support 0x20 0 {number} enable scanning per-state {NO_EVENTS}",
            f"main_sdr_add 0x20 {record}",
        ]
    return "\n".join([*lines, "mc_enable 0x20", ""])


def _module(folder: Path) -> Path:
    built = folder / "dcmi.so"
    header = Path("/usr/include/OpenIPMI/mcserv.h")
    assert header.exists(), "install libopenipmi-dev"
    command = [_program("gcc"), "-shared", "-fPIC", "-o", str(built), str(HERE / "dcmi.c")]
    subprocess.run(command, check=True, timeout=PATIENCE_S)
    return built


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not there: install {PACKAGES[name]}"
    return found


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", address: tuple[str, int], log: Path) -> None:
    """Until it answers. Raises if it ends instead, or stays silent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.05)

        def answers() -> bool:
            try:
                asker.sendto(CHANNEL_AUTHENTICATION, address)
                return bool(asker.recv(1024))
            except OSError:
                return False

        what = f"a BMC's answer; see {log}"
        eventually(answers, what, seconds=PATIENCE_S, every_s=0, process=process)
