"""Many BMCs asked by one process: for the power they measure themselves (DCMI), or for sensors."""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from meterhouse.clients.freeipmi.login import Login
from meterhouse.clients.freeipmi.programs import run
from meterhouse.metering.errors import Unreachable

AT_ONCE = 64  # threads of one process; more BMCs wait for their turn
PROGRAMS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/sbin:/bin"
RETRANSMIT_MS = 500
LIMIT_S = 120.0
"""How long one process may run in all. A BMC that is silent ends it sooner, by ``patience_s``;
one that is slow, with hundreds of sensors to learn of, may take that long."""

Hear = Callable[[str, str], None]
"""Is told the address, and what was said behind it."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How BMCs want to be spoken to. Those with the same can be asked by one process.

    workarounds: FreeIPMI's words for what vendors do otherwise than the standard says
    patience_s:  how long a BMC may be silent
    """

    login: Login
    cipher_suite: int
    privilege: str
    workarounds: tuple[str, ...]
    patience_s: float

    def arguments(self) -> list[str]:
        return [
            "--driver-type=LAN_2_0",
            f"--cipher-suite-id={self.cipher_suite}",
            f"--privilege-level={self.privilege.upper()}",
            f"--workaround-flags={','.join(self.workarounds) or 'none'}",
            f"--session-timeout={round(self.patience_s * 1000)}",
            f"--retransmission-timeout={min(RETRANSMIT_MS, round(self.patience_s * 500))}",
            f"--fanout={AT_ONCE}",
            "--always-prefix",
        ]


@dataclass(slots=True)
class FreeIpmi:
    """FreeIPMI's programs, with a folder of their own for passwords and what they remember."""

    folder: Path
    logins: dict[Login, Path] = field(default_factory=dict)

    async def power(self, manner: Manner, addresses: Sequence[str], hear: Hear) -> bool:
        """Ask for DCMI's power statistics.

        Returns whether all was said before time was over. Raises Unreachable if that cannot be
        asked.
        """
        asking = [*manner.arguments(), "--get-system-power-statistics"]
        return await self._run("ipmi-dcmi", manner, addresses, asking, hear)

    async def sensors(
        self, manner: Manner, addresses: Sequence[str], records: Collection[int], hear: Hear
    ) -> bool:
        """Ask for sensors' readings; ``records``: of these only, none for all. As above.

        What sensors there are is learned once from each BMC and kept in a file.
        """
        asking = [
            *manner.arguments(),
            "--comma-separated-output",
            "--no-header-output",
            "--quiet-cache",
            "--sdr-cache-recreate",
            f"--sdr-cache-directory={self.folder}",
        ]
        if records:
            asking.append(f"--record-ids={','.join(map(str, sorted(records)))}")
        return await self._run("ipmi-sensors", manner, addresses, asking, hear)

    async def _run(
        self,
        program: str,
        manner: Manner,
        addresses: Sequence[str],
        asking: Sequence[str],
        hear: Hear,
    ) -> bool:
        known = frozenset(addresses)
        heard, stray = False, ""

        def listen(line: str) -> None:
            nonlocal heard, stray
            address, _, said = line.partition(": ")
            if address in known:
                heard = True
                hear(address, said)
            else:
                stray = stray or line

        arguments = [program, f"--config-file={self._file(manner.login)}", *asking]
        arguments.append(f"--hostname={','.join(addresses)}")
        ended = await run(arguments, self._environment(), listen, limit_s=LIMIT_S)
        if stray and not heard:  # it speaks of itself, not of a BMC
            raise Unreachable(f"{program}: {stray}")
        return ended

    def _environment(self) -> Mapping[str, str]:
        return {"PATH": PROGRAMS, "HOME": str(self.folder), "LC_ALL": "C"}

    def _file(self, login: Login) -> Path:
        if login not in self.logins:
            file = self.folder / f"{len(self.logins)}.conf"
            login.write(file)
            self.logins[login] = file
        return self.logins[login]


@contextmanager
def freeipmi() -> Iterator[FreeIpmi]:
    """Make that folder, readable by nobody else, and remove it in the end."""
    with tempfile.TemporaryDirectory(prefix="meterhouse-ipmi-") as folder:
        yield FreeIpmi(Path(folder))
