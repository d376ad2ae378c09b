"""Requests by aiohttp to peers that are not trusted: small answers, and failures in words."""

import aiohttp

from meterhouse.clients.reasons import reason
from meterhouse.metering.errors import BadReading

PART_FOR_CONNECTING = 0.9
"""Of the patience: so a firewall that drops is told from a peer that is slow."""


def patience(seconds: float) -> aiohttp.ClientTimeout:
    """For connecting alone; the whole request has a deadline of the caller's."""
    return aiohttp.ClientTimeout(total=None, sock_connect=PART_FOR_CONNECTING * seconds)


def explained(error: Exception) -> str:
    """Why there is no answer."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return reason(error.certificate_error)
        case aiohttp.ConnectionTimeoutError():
            return "no connection in time: is it on, and does a firewall drop it?"
        case aiohttp.ClientConnectorError():
            return reason(error.os_error)
        case aiohttp.ServerDisconnectedError():
            return "it has closed the connection"
        case aiohttp.ClientResponseError():
            return "what it says is no HTTP; is the port right?"
        case _:
            return reason(error) or type(error).__name__


async def body(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """What was answered, as it came. Raises BadReading if that is more than so many bytes."""
    read = bytearray()
    async for part in answer.content.iter_chunked(65536):
        read += part
        if len(read) > most:
            raise BadReading(f"an answer of more than {most / 2**20:g} MiB")
    return bytes(read)
