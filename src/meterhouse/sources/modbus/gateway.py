"""One Modbus TCP connection, and what can be said over it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException, ModbusIOException

from meterhouse.metering.errors import Unreachable
from meterhouse.sources import reason

REASONS: dict[int, str] = {
    ExcCodes.ILLEGAL_FUNCTION: "the meter does not know this function",
    ExcCodes.ILLEGAL_ADDRESS: "the meter has no such register",
    ExcCodes.ILLEGAL_VALUE: "the meter does not take the request",
    ExcCodes.DEVICE_FAILURE: "the meter says that it has failed",
    ExcCodes.DEVICE_BUSY: "the meter is busy",
    ExcCodes.GATEWAY_PATH_UNAVIABLE: "the gateway has no path to the meter",
    ExcCodes.GATEWAY_NO_RESPONSE: "the meter does not answer the gateway",
}
"""Source: Modbus application protocol specification V1.1b3, 7 (exception codes)."""

# It tells each failure each time; the runner says it once, and again when it is over.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class Refused(Exception):
    """A meter, or the gateway before it, answered with an exception."""

    def __init__(self, code: int) -> None:
        super().__init__(REASONS.get(code, f"the meter answers with exception {code}"))
        self.no_such_register = code == ExcCodes.ILLEGAL_ADDRESS


class Silent(Exception):
    """A meter did not answer within its time, or answered something else."""


class Gateway:
    """What answers at one address: a meter, or a gateway with many behind it."""

    def __init__(self, client: AsyncModbusTcpClient, where: str, deadline_s: float) -> None:
        self._client, self.where, self._deadline_s = client, where, deadline_s

    async def words(self, unit: int, function: int, address: int, count: int) -> list[int]:
        """Registers of one unit. Raises Refused, Silent, or Unreachable if the connection ends."""
        holding, inputs = self._client.read_holding_registers, self._client.read_input_registers
        ask = holding if function == 3 else inputs
        try:
            answer = await ask(address, count=count, device_id=unit)
        except ModbusIOException as error:
            raise Silent(f"no answer within {self._deadline_s:g} s") from error
        except ModbusException as error:
            raise Unreachable(f"{self.where} has closed the connection") from error
        if answer.isError():
            raise Refused(answer.exception_code)
        if len(answer.registers) != count:
            raise Silent(f"{len(answer.registers)} registers came instead of {count}")
        return list(answer.registers)


@asynccontextmanager
async def open_gateway(host: str, port: int, deadline_s: float) -> AsyncIterator[Gateway]:
    """Raises Unreachable that says why there is no connection."""
    where = f"{host}:{port}"
    client = AsyncModbusTcpClient(
        host, port=port, timeout=deadline_s, retries=0, reconnect_delay=0
    )
    try:
        if not await client.connect():
            raise Unreachable(f"{where}: {await _why_not(host, port, deadline_s)}")
        yield Gateway(client, where, deadline_s)
    finally:
        client.close()


async def _why_not(host: str, port: int, deadline_s: float) -> str:
    """The reason that pymodbus keeps to itself, asked for once more."""
    try:
        async with asyncio.timeout(deadline_s):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no connection within {deadline_s:g} s: is it on, and does a firewall drop it?"
    except OSError as error:
        return reason(error)
    writer.close()
    return "no connection"
