r"""How FreeIPMI is told a password: in a file that only we can read, never on a command line.

A line of such a file is an option and its value between quotation marks, in which ``\``, ``"``
and ``#`` stand behind a ``\``. Source: freeipmi.conf(5); what may stand between the marks was
found by setting such passwords on a BMC and logging in.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from meterhouse.metering.secrets import Secret

LONGEST_USER = 16
LONGEST_PASSWORD = 20
"""Bytes, in IPMI 2.0. Source: IPMI 2.0 specification, tables 22-29 and 22-30."""

NO_KEY = Secret("")
_SPECIAL = re.compile(r'(["\\#])')


@dataclass(frozen=True, slots=True)
class Login:
    """Raises ValueError, which shows no secret, for what no BMC and no such file can hold.

    key: K_g, which some BMCs want besides; "" for none
    """

    user: str
    password: Secret
    key: Secret = NO_KEY

    def __post_init__(self) -> None:
        for what, text, longest in (
            ("user", self.user, LONGEST_USER),
            ("password", self.password.reveal(), LONGEST_PASSWORD),
            ("k_g", self.key.reveal(), LONGEST_PASSWORD),
        ):
            if len(text) > longest:
                raise ValueError(f"{what}: IPMI knows at most {longest} characters")
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"{what}: printable ASCII only")

    def write(self, file: Path) -> None:
        """Make that file. Raises FileExistsError if there is one."""
        options = {
            "username": self.user,
            "password": self.password.reveal(),
            "k_g": self.key.reveal(),
        }
        lines = [f"{name} {_quoted(value)}\n" for name, value in options.items() if value]
        file.touch(mode=0o600, exist_ok=False)
        file.write_text("".join(lines), "ascii")


def _quoted(value: str) -> str:
    return '"' + _SPECIAL.sub(r"\\\1", value) + '"'
