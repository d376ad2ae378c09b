"""The recorder's side: every batch of every publisher, in order, none missing.

What arrives on the live side is taken if it is the next one; whatever else is needed is asked for
on the replay side, as much at a time as there is room for. So a reader that is slow, away or new
costs nothing but time: nothing waits for it, and it catches up from the journals.
"""

import asyncio
import logging
import os
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

import zmq

from meterhouse.bus import messages
from meterhouse.bus.endpoints import Endpoint, opened
from meterhouse.bus.line import Line
from meterhouse.bus.links import AGAIN_S, Link, Links
from meterhouse.bus.messages import (
    Acknowledgement,
    Done,
    Gone,
    Hello,
    Message,
    Replay,
    Status,
    Told,
)
from meterhouse.bus.signing import checked_secret
from meterhouse.bus.track import ASKED_BYTES, Delivery, Loss, Track
from meterhouse.metering.batches import Batch, Position
from meterhouse.metering.clock import Clock, SystemClock
from meterhouse.metering.errors import BadMessage, Mistake

__all__ = ["Delivery", "Follower", "Loss", "Pace", "PublisherState", "follow"]

log = logging.getLogger(__name__)

AHEAD_MS = timedelta(days=1) // timedelta(milliseconds=1)
HELLOS = 8  # that may still be answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient a follower is, in seconds.

    hello:    how often publishers are asked how they stand; the live side tells sooner
    timeout:  how long a publisher may be silent while it answers
    longest:  the longest pause before one that did not answer is asked again
    look:     how often all that is looked after
    again:    the pause before a peer is tried again that does not speak as we do
    """

    hello: float = 5.0
    timeout: float = 2.0
    longest: float = 30.0
    look: float = 0.1
    again: float = AGAIN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherState:
    """How far a publisher is followed.

    delivered:     the last batch that was handed over
    acknowledged:  the last batch that was acknowledged
    last:          the last batch it is known to have
    silent_s:      seconds since it was heard
    """

    publisher: str
    epoch: int
    delivered: int
    acknowledged: int
    last: int
    silent_s: float


@dataclass(eq=False)
class _Link:
    """The two lines to one endpoint, and what was said on them lately."""

    endpoint: Endpoint
    ways: tuple[Links, Links]
    live: Line
    replay: Line
    nonces: deque[bytes]
    hello_at: float = 0.0
    said_at: float = 0.0


class Follower:
    """Follows publishers from where they were recorded; use it as an asynchronous context.

    endpoints:  where they are; several may be behind one, and one behind several
    positions:  how far each publisher is recorded; of others everything they have is wanted
    on_told:    called with what a publisher that is followed says of itself, if it is newer than
                what it said before
    counts:     what happened, by word: "batches", "losses" delivered; "repeated" and "early"
                batches dropped (an early one is asked for again when its turn comes); "timeouts";
                and what was not believed: "signature", "format", "version", "epoch"

    To be used in the event loop only. Raises Mistake if an address or the secret is none.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        secret: bytes,
        positions: Mapping[str, Position],
        *,
        pace: Pace | None = None,
        clock: Clock | None = None,
        on_told: Callable[[Told], None] | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._on_told = on_told
        self._told_at: dict[str, int] = {}
        self._secret = checked_secret(secret)
        self._positions = positions
        self._pace = pace or Pace()
        self._clock = clock or SystemClock()
        self._me = os.urandom(8)
        self._links: list[_Link] = []
        self._tracks: dict[str, Track] = {}
        self._ready: deque[Track] = deque()
        self._arrived = asyncio.Event()
        self._links_of: dict[str, _Link] = {}
        self._refused: set[tuple[str, int]] = set()
        self._locked: set[str] = set()
        self._requests = 0
        self.counts: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._context = zmq.Context()
        try:
            for endpoint in self._endpoints:
                self._links.append(self._linked(endpoint))
        except BaseException:
            self._close()
            raise
        self._looking = self._loop.create_task(self._look_after())
        self._looking.add_done_callback(lambda _: self._arrived.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._looking.cancel()
        await asyncio.wait([self._looking])
        self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery | Loss:
        """The next batch or loss of a publisher; publishers take turns."""
        while not self._ready:
            if self._looking.cancelled():
                raise StopAsyncIteration
            if self._looking.done():
                self._looking.result()
            self._arrived.clear()
            await self._arrived.wait()
        track = self._ready.popleft()
        item = track.take()
        if track.waiting:
            self._ready.append(track)
        self._ask(track)
        self.counts["losses" if isinstance(item, Loss) else "batches"] += 1
        return item

    def states(self) -> list[PublisherState]:
        """How far each publisher that was heard of is followed, by name."""
        now = self._loop.time()
        return [
            PublisherState(
                publisher=track.publisher,
                epoch=track.epoch,
                delivered=track.delivered,
                acknowledged=track.acknowledged,
                last=track.last,
                silent_s=now - track.heard_at,
            )
            for _, track in sorted(self._tracks.items())
        ]

    def links(self) -> dict[str, Link]:
        """How each endpoint is connected to, by its live address: this tells of those of whom
        nothing was ever heard.
        """
        return {
            link.endpoint.live: link.ways[1].states[link.endpoint.replay] for link in self._links
        }

    def _on_link(self, address: str, link: Link) -> None:
        """One line where something must be mended, and one when it was."""
        if link in (Link.OTHER_KEY, Link.UNLIKE) and address not in self._locked:
            self._locked.add(address)
            log.error("%s is %s", address, link)
        elif address in self._locked and link is Link.UP:
            self._locked.remove(address)
            log.warning("%s is %s", address, link)

    def _linked(self, endpoint: Endpoint) -> _Link:
        live, replay = opened(self._context, zmq.SUB), opened(self._context, zmq.DEALER)
        live.subscribe(b"")
        replay.immediate = True  # what is meant for a publisher that is away is not kept for it
        again_s = self._pace.again
        ways = (
            Links(live, again_s=again_s),
            Links(replay, again_s=again_s, on_link=self._on_link),
        )
        try:
            ways[0].connect(endpoint.live, endpoint.key)
            ways[1].connect(endpoint.replay, endpoint.key)
        except Mistake:
            ways[0].close()
            ways[1].close()
            live.close()
            replay.close()
            raise
        link = _Link(
            endpoint,
            ways,
            Line(live, lambda frames: self._hear_live(link, frames)),
            Line(replay, lambda frames: self._hear_answer(link, frames)),
            deque(maxlen=HELLOS),
        )
        return link

    def _close(self) -> None:
        for link in self._links:
            for way in link.ways:
                way.close()
            link.live.close()
            link.replay.close()
        self._context.destroy(linger=0)

    # What is heard

    def _hear_live(self, link: _Link, frames: Sequence[bytes]) -> None:
        match self._opened(frames):
            case Batch() as batch:
                self._arrive(link, batch, asked=False)
            case Status() as status:
                self._heartbeat(link, status)
            case Told() as told:
                self._be_told(told)

    def _hear_answer(self, link: _Link, frames: Sequence[bytes]) -> None:
        match self._opened(frames):
            case Batch() as batch:
                self._arrive(link, batch, asked=True)
            case Status() as status if status.nonce in link.nonces:
                self._stand(link, status)
            case Gone(publisher, epoch, first, last):
                if track := self._track(publisher, epoch):
                    track.gone(first, last)
                    self._went_on(track)
            case Done() as done:
                self._done(done)

    def _be_told(self, told: Told) -> None:
        """Hand on what a publisher says of itself, unless it is old, or nobody wants to know."""
        if not self._on_told or not self._track(told.publisher, told.epoch):
            return
        latest_ms = self._clock.now_ms() + AHEAD_MS
        if not self._told_at.get(told.publisher, 0) < told.at_ms <= latest_ms:
            self.counts["repeated"] += 1
            return
        self._told_at[told.publisher] = told.at_ms
        self._on_told(told)

    def _opened(self, frames: Sequence[bytes]) -> Message | Batch | None:
        """The message, which is the last frame; None, and counted, if it is not believed."""
        try:
            return messages.unseal(frames[-1], self._secret)
        except BadMessage as refusal:
            self.counts[refusal.reason] += 1
            return None

    def _track(self, publisher: str, epoch: int) -> Track | None:
        track = self._tracks.get(publisher)
        return track if track and track.epoch == epoch else None

    def _arrive(self, link: _Link, batch: Batch, *, asked: bool) -> None:
        track = self._track(batch.publisher, batch.epoch)
        if track is None:
            self.counts["early"] += 1
            self._ask_who(link, batch.publisher, batch.epoch)
            return
        if word := track.arrive(batch, asked=asked):
            self.counts[word] += 1
        self._went_on(track)

    def _went_on(self, track: Track) -> None:
        """Something came of a publisher: hand it over, and ask for more."""
        now = self._loop.time()
        track.heard_at, track.deadline = now, now + self._pace.timeout
        if track.waiting and track not in self._ready:
            self._ready.append(track)
            self._arrived.set()
        self._ask(track)

    def _heartbeat(self, link: _Link, status: Status) -> None:
        track = self._track(status.publisher, status.epoch)
        if track is None or track.session != status.session:
            self._ask_who(link, status.publisher, status.epoch)
            return
        track.heard_at, track.last = self._loop.time(), max(track.last, status.last)
        self._ask(track)

    def _stand(self, link: _Link, status: Status) -> None:
        """Take note of how a publisher stands; it said so just now, being asked."""
        track = self._believed(status)
        if track is None:
            return
        self._links_of[status.publisher] = link
        if track.session != status.session:  # it was started anew, and forgot what it was asked
            track.session, track.request, track.failures, track.not_before = (
                status.session,
                0,
                0,
                0,
            )
        track.heard_at, track.last = self._loop.time(), max(track.last, status.last)
        if status.acknowledged < track.acknowledged:
            self._acknowledge(track, track.epoch, track.acknowledged)
        if track.waiting and track not in self._ready:  # what the last journal lost
            self._ready.append(track)
            self._arrived.set()
        self._ask(track)

    def _believed(self, status: Status) -> Track | None:
        """The track of a publisher that says how it stands; None if that cannot be.

        Epochs only grow: of two publishers of one name, or of a journal whose clock was wrong,
        nothing is taken, so that nothing is mixed up and nothing acknowledged that is not
        recorded.
        """
        track = self._tracks.get(status.publisher)
        position = self._positions.get(status.publisher, Position(0, 0))
        epoch = track.epoch if track else position.epoch
        if not epoch <= status.epoch <= self._clock.now_ms() + AHEAD_MS:
            self._refuse(status, epoch)
            return None
        expected = position.sequence + 1 if status.epoch == position.epoch else 1
        if track is None:
            track = self._begun(status, expected)
        elif status.epoch > track.epoch:
            track.renew(status.epoch, expected)
        return track

    def _begun(self, status: Status, expected: int) -> Track:
        track = Track(
            publisher=status.publisher,
            epoch=status.epoch,
            expected=expected,
            acknowledged=expected - 1,
            delivered=expected - 1,
            on_acknowledged=lambda epoch, sequence: self._acknowledge(track, epoch, sequence),
        )
        self._tracks[status.publisher] = track
        return track

    def _refuse(self, status: Status, epoch: int) -> None:
        self.counts["epoch"] += 1
        if (status.publisher, status.epoch) not in self._refused:
            self._refused.add((status.publisher, status.epoch))
            log.error(
                "a publisher's journal is older than the one that is recorded, or from the future:"
                " do two have the same name? was its clock wrong?",
                extra={"publisher": status.publisher, "epoch": status.epoch, "recorded": epoch},
            )

    def _done(self, done: Done) -> None:
        track = self._track(done.publisher, done.epoch)
        if track is None or (done.follower, done.request) != (self._me, track.request):
            return
        track.last, track.request = max(track.last, done.last), 0
        if track.brought:
            track.failures = 0
        else:
            self._failed(track)
        self._ask(track)

    # What is said

    def _acknowledge(self, track: Track, epoch: int, sequence: int) -> None:
        if epoch == track.epoch:
            track.acknowledged = max(track.acknowledged, sequence)
            self._say(track, Acknowledgement(track.publisher, epoch, track.acknowledged))

    def _say(self, track: Track, message: Message) -> bool:
        frames = [track.publisher.encode(), messages.seal(message, self._secret)]
        return self._links_of[track.publisher].replay.send(frames)

    def _ask(self, track: Track) -> None:
        """Ask for what is missing, unless that was done, or has to wait."""
        now = self._loop.time()
        if track.request or not track.lacks or now < track.not_before:
            return
        self._requests += 1
        wanted = Replay(
            publisher=track.publisher,
            epoch=track.epoch,
            session=track.session,
            follower=self._me,
            request=self._requests,
            after=track.expected - 1,
            batches=track.room(),
            size=ASKED_BYTES,
        )
        if self._say(track, wanted):
            track.request, track.brought = self._requests, False
            track.deadline = now + self._pace.timeout

    def _ask_who(self, link: _Link, publisher: str, epoch: int) -> None:
        """Say hello sooner: somebody new is there, or somebody was started anew."""
        if (publisher, epoch) not in self._refused:
            link.hello_at = min(link.hello_at, link.said_at + self._pace.look * 2)

    async def _look_after(self) -> None:
        while True:
            now = self._loop.time()
            for link in self._links:
                self._look_after_link(link, now)
            for track in self._tracks.values():
                if track.request and now > track.deadline:
                    self.counts["timeouts"] += 1
                    track.request = 0
                    self._failed(track)
                self._ask(track)
            await asyncio.sleep(self._pace.look)

    def _look_after_link(self, link: _Link, now: float) -> None:
        for line in (link.live, link.replay):
            if line.failed.done():
                line.failed.result()
        if now < link.hello_at:
            return
        nonce = os.urandom(8)
        if link.replay.send([b"", messages.seal(Hello(nonce), self._secret)]):
            link.nonces.append(nonce)
            link.said_at, link.hello_at = now, now + self._pace.hello

    def _failed(self, track: Track) -> None:
        """Ask again later, and later each time."""
        pause = min(self._pace.timeout * 2**track.failures / 4, self._pace.longest)
        track.failures = min(track.failures + 1, 16)
        track.not_before = self._loop.time() + pause


async def follow(
    endpoints: Sequence[Endpoint], secret: bytes, positions: Mapping[str, Position]
) -> AsyncGenerator[Delivery | Loss, None]:
    """What a Follower yields, for who needs nothing else of it.

    Leaving the loop early does not close it; ``contextlib.aclosing`` around it does.
    """
    async with Follower(endpoints, secret, positions) as follower:
        while True:
            yield await anext(follower)
