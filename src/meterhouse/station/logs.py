"""What goes wrong, a line each on standard error, with what it is about."""

import logging

from meterhouse.metering.errors import printable

KNOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class Lines(logging.Formatter):
    """``LEVEL room: what (source=cloud, error=…)``: also what a message has as ``extra``."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        line = super().formatMessage(record)
        if not record.name.startswith("meterhouse."):
            return printable(line)  # the extras of libraries are whole requests and the like
        about = [f"{key}={value}" for key, value in vars(record).items() if key not in KNOWN]
        return printable(f"{line} ({', '.join(about)})" if about else line)


def to_standard_error(level: int = logging.WARNING) -> None:
    """Log from ``level`` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    logging.basicConfig(level=level, handlers=[handler])
