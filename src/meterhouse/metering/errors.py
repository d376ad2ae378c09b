"""Errors, named for what the caller should do."""


def printable(text: str) -> str:
    """A message as a terminal may have it: what would steer it is written as its number.

    A name from a file or a device may hold such; lines stay lines.
    """
    return "".join(
        each if each == "\n" or each.isprintable() else ascii(each)[1:-1] for each in text
    )


class Unreachable(Exception):
    """The peer does not answer. Try again later."""


class BadReading(Exception):
    """The peer answered nonsense. Count it, drop it, read on."""


class BadMessage(Exception):
    """A message on the bus is not to be believed. Count it by ``reason``, drop it.

    reason:  one word for a counter: "signature", "format", "replayed", ...
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Mistake(Exception):
    """Somebody wrote something that cannot be meant. Refuse to start, and say where.

    The message is one line: file (or command), table, key, what is wrong, what would be right.
    """
