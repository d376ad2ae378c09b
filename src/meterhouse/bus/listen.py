"""Everything as it happens, for who shows it and can do without what was missed."""

from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Self

from meterhouse.bus import messages
from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.signing import checked_secret
from meterhouse.bus.subscription import Subscription
from meterhouse.metering.batches import Batch
from meterhouse.metering.errors import BadMessage

MOST_WAITING = 1_000  # batches; a reader that is slower than that gets the newest


class Listener:
    """Hears publishers' live sides; use it as an asynchronous context and iterate.

    Of each publisher a batch with a lower number, or of an earlier journal, than one that was
    heard already is old: it is dropped.

    counts:  what happened, by word: batches "heard"; "dropped" because the reader was slow;
             "repeated"; and what was not believed: "signature", "format", "version"

    To be used in the event loop only. Raises Mistake if an address or the secret is none.
    """

    def __init__(
        self, endpoints: Sequence[Endpoint], secret: bytes, *, most: int = MOST_WAITING
    ) -> None:
        self._secret = checked_secret(secret)
        self._heard: dict[str, tuple[int, int]] = {}
        self._subscription = Subscription(endpoints, [b""], self._read, most)
        self.counts = self._subscription.counts

    async def __aenter__(self) -> Self:
        await self._subscription.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._subscription.__aexit__(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        return await self._subscription.next()

    def _read(self, frames: Sequence[bytes]) -> Batch | None:
        """The batch in a message; None if it is a heartbeat. Raises BadMessage."""
        message = messages.unseal(frames[-1], self._secret)
        if not isinstance(message, Batch):
            return None
        here = message.epoch, message.sequence
        if here <= self._heard.get(message.publisher, (0, 0)):
            raise BadMessage("repeated", message.publisher)
        self._heard[message.publisher] = here
        return message


async def listen(endpoints: Sequence[Endpoint], secret: bytes) -> AsyncGenerator[Batch, None]:
    """What a Listener yields, for who needs nothing else of it.

    Leaving the loop early does not close it; ``contextlib.aclosing`` around it does.
    """
    async with Listener(endpoints, secret) as listener:
        while True:
            yield await anext(listener)
