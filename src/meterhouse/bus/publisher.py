"""Sends batches as they happen, and again to whoever missed them.

It binds two sockets: PUB for the live side, where everything is sent once and a heartbeat tells
the last number, and ROUTER for the replay side. Frames on the replay side, after the route that
ZeroMQ puts before them: the name of the publisher that is meant or answers (empty: all), the
message. Forwarders look at the name only.
"""

import asyncio
import logging
import os
from collections import Counter, OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import zmq

from meterhouse.bus import messages
from meterhouse.bus.curve import Pair
from meterhouse.bus.endpoints import Endpoint, bind, checked, opened
from meterhouse.bus.journal import Journal
from meterhouse.bus.line import Line
from meterhouse.bus.messages import Acknowledgement, Done, Gone, Hello, Message, Replay, Status
from meterhouse.bus.signing import checked_secret, sign
from meterhouse.metering.errors import BadMessage
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot

log = logging.getLogger(__name__)

HEARTBEAT = timedelta(seconds=1)
MOST_FOLLOWERS = 1_000  # of which the last request is remembered
MOST_BATCHES = 256  # in one answer: fewer than ZeroMQ keeps for a slow peer
MOST_BYTES = 4 * 2**20


class Publisher:
    """Publishes what it is given, as long as ``run`` runs; before and after, it keeps it only.

    journal:  where batches are kept until they are acknowledged; stays the caller's to close
    secret:   signs everything that is sent, and is demanded of requests
    live, replay:  addresses to bind; a port of * is a free one, see ``endpoint``
    pair:     encrypts to those who have its public key, and lets in nobody else

    ready:    set while both addresses are bound
    endpoint: where it is reached, with the ports that were taken
    counts:   what happened, by word: "batches", "samples" sent; "replayed" batches; and requests
             that were refused: "signature", "format", "version", "repeated", "stale"

    To be used in the event loop only. Raises Mistake if an address or the secret is none.
    """

    def __init__(
        self,
        journal: Journal,
        secret: bytes,
        live: str,
        replay: str,
        *,
        pair: Pair | None = None,
        heartbeat: timedelta = HEARTBEAT,
    ) -> None:
        self.journal = journal
        self._pair = pair
        self._secret = checked_secret(secret)
        key = pair.public if pair else b""
        self._wanted = Endpoint(checked(live), checked(replay), key)
        self._heartbeat_s = heartbeat.total_seconds()
        self._session = os.urandom(8)
        self._requests: OrderedDict[bytes, int] = OrderedDict()
        self._live: zmq.Socket[bytes] | None = None
        self.counts: Counter[str] = Counter()
        self.ready = asyncio.Event()
        self.endpoint = self._wanted

    def publish(self, samples: Columns, snapshots: tuple[Snapshot, ...] = ()) -> None:
        """Keep a batch on disk, then send it.

        Raises OSError naming the journal's folder if it cannot be kept (then it was not sent, and
        may be published again), ValueError if no reader would accept it.
        """
        entry = self.journal.append(samples, snapshots)
        self.counts["batches"] += 1
        self.counts["samples"] += len(samples)
        self._send_live(sign(entry.unsigned, self._secret))

    def tell(self, what: bytes, at_ms: int) -> None:
        """Say something of oneself on the live side; who misses it hears the next one."""
        told = messages.Told(self.journal.publisher, self.journal.epoch, at_ms, what)
        self._send_live(messages.seal(told, self._secret))

    async def run(self) -> None:
        """Serve until cancelled. Raises Mistake if an address cannot be bound."""
        with zmq.Context() as context:
            live, replay = opened(context, zmq.PUB), opened(context, zmq.ROUTER)
            try:
                self.endpoint = Endpoint(
                    bind(live, self._wanted.live, self._pair),
                    bind(replay, self._wanted.replay, self._pair),
                    self._wanted.key,
                )
                await self._serve(live, replay)
            finally:
                self._live = None
                self.ready.clear()
                live.close()
                replay.close()

    async def _serve(self, live: zmq.Socket[bytes], replay: zmq.Socket[bytes]) -> None:
        self._live = live
        line = Line(replay, lambda frames: self._hear(line, frames))
        self.ready.set()
        try:
            while not line.failed.done():
                self._send_live(messages.seal(self._status(b""), self._secret))
                await asyncio.wait([line.failed], timeout=self._heartbeat_s)
            line.failed.result()
        finally:
            line.close()

    def _send_live(self, message: bytes) -> None:
        if self._live:
            with suppress(zmq.Again):  # PUB drops what a slow peer cannot take; never waits
                self._live.send(message, zmq.NOBLOCK)

    def _hear(self, line: Line, frames: Sequence[bytes]) -> None:
        """Answer one request; what is refused is counted and not answered."""
        if len(frames) < 3:
            self.counts["format"] += 1
            return
        *route, name, message = frames
        me = self.journal.publisher.encode()
        if name not in (b"", me):
            return
        try:
            answers = self._answers(messages.unseal(message, self._secret))
        except BadMessage as refusal:
            self.counts[refusal.reason] += 1
        except OSError as error:
            self.counts["disk"] += 1
            log.error("a request cannot be served: %s", error)  # noqa: TRY400 - it says it all
        else:
            for answer in answers:
                line.send([*route, me, answer])

    def _answers(self, request: object) -> Sequence[bytes]:
        """The sealed answers to a request. Raises BadMessage, OSError."""
        match request:
            case Hello(nonce):
                return [messages.seal(self._status(nonce), self._secret)]
            case Replay():
                return self._replayed(request)
            case Acknowledgement(publisher, epoch, sequence):
                if publisher != self.journal.publisher or not self.journal.acknowledged(
                    epoch, sequence
                ):
                    raise BadMessage("stale", "acknowledges another journal")
                return []
        raise BadMessage("format", f"{type(request).__name__} is no request")

    def _status(self, nonce: bytes) -> Status:
        state = self.journal.state
        return Status(
            publisher=state.publisher,
            epoch=state.epoch,
            acknowledged=state.acknowledged,
            first=state.first,
            last=state.last,
            session=self._session,
            nonce=nonce,
        )

    def _replayed(self, wanted: Replay) -> list[bytes]:
        self._check(wanted)
        journal, answers = self.journal, list[bytes]()
        following, size = wanted.after + 1, 0
        most, most_bytes = min(wanted.batches, MOST_BATCHES), min(wanted.size, MOST_BYTES)
        for entry in journal.since(wanted.after):
            if entry.sequence > following:
                answers.append(self._gone(following, entry.sequence - 1))
            answers.append(sign(entry.unsigned, self._secret))
            following, size = entry.sequence + 1, size + len(entry.unsigned)
            self.counts["replayed"] += 1
            if len(answers) >= most or size >= most_bytes:
                break
        else:
            if following <= journal.last:
                answers.append(self._gone(following, journal.last))
        done = Done(
            journal.publisher, journal.epoch, wanted.follower, wanted.request, journal.last
        )
        return [*answers, messages.seal(done, self._secret)]

    def _check(self, wanted: Replay) -> None:
        """Refuse what was meant for another time or was answered already. Raises BadMessage."""
        here = (self.journal.publisher, self.journal.epoch, self._session)
        if (wanted.publisher, wanted.epoch, wanted.session) != here:
            raise BadMessage("stale", "asks another publisher, or one before it was restarted")
        if wanted.request <= self._requests.get(wanted.follower, 0):
            raise BadMessage("repeated", "asks again")
        self._requests[wanted.follower] = wanted.request
        self._requests.move_to_end(wanted.follower)
        if len(self._requests) > MOST_FOLLOWERS:
            self._requests.popitem(last=False)

    def _gone(self, first: int, last: int) -> bytes:
        gone: Message = Gone(self.journal.publisher, self.journal.epoch, first, last)
        return messages.seal(gone, self._secret)
