"""Why the system cannot do something, in its own words and without its numbers."""

import os
import socket


def reason(error: BaseException) -> str:
    """Asyncio and others put words of their own in place of the system's."""
    number = getattr(error, "errno", None)
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    return os.strerror(number) if number and number > 0 else str(error)
