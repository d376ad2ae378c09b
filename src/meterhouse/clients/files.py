"""Files that a configuration names, because what is in them shall not stand in it."""

from dataclasses import dataclass
from pathlib import Path

from meterhouse.clients.reasons import reason
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import Secret


def whole_path(key: str, path: str) -> None:
    """Raise ValueError for a path that depends on the folder the house runs in; "" is none."""
    if path and not Path(path).is_absolute():
        raise ValueError(f"{key}: {path!r} must be a whole path, from / on")


@dataclass(frozen=True, slots=True)
class Password:
    """A password that is given, or stands in a file. Raises ValueError if it is said twice."""

    given: Secret
    file: str

    def __post_init__(self) -> None:
        if self.given.reveal() and self.file:
            raise ValueError("password and password_file: give one of them")
        whole_path("password_file", self.file)

    def __bool__(self) -> bool:
        return bool(self.given.reveal() or self.file)

    def read(self) -> Secret:
        """Raises Mistake."""
        if not self.file:
            return self.given
        try:
            return Secret(Path(self.file).read_text().rstrip("\r\n"))
        except (OSError, ValueError) as error:
            raise Mistake(
                f"password_file {self.file!r} cannot be read: {reason(error)}"
            ) from error
