"""Meters that publish to an MQTT broker: they say when, and this listens."""

import asyncio
import contextlib
import dataclasses
import logging
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from aiomqtt import Client, Message, MqttCodeError, MqttError
from paho.mqtt.reasoncodes import ReasonCode

from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE
from meterhouse.sources import Named, Outlets, Reading, Source, SourceKind, reason
from meterhouse.sources.documents import decode
from meterhouse.sources.mqtt.config import Config, promised, topics
from meterhouse.sources.mqtt.figure_ages import Owed
from meterhouse.sources.mqtt.waves import WAVE_MS, Waves

METERS = (POWER, ENERGY, VOLTAGE, CURRENT)
ANSWER_S = 5.0  # how long the broker may take to answer
KEEPALIVE_S = 30  # after one and a half of these without a sign of life the broker is gone
MOST_WAITING = 10_000  # messages that have come and were not looked at
LARGEST = 64 * 1024  # bytes of a message
AT_ONCE = 100  # topics in one request
REFUSED = 0x80  # Source: MQTT 3.1.1, 3.9.3: so says a SUBACK
NO_BROKER = "it takes the connection and is no broker: is the port right, does it want TLS?"
SHORTEST_HOLD = timedelta(seconds=10)
HOLD_PERIODS = 3


class Overheard(logging.Logger):
    """What the library logs goes nowhere: the runner tells the same, and of each message that it
    has no room for there is a line. But why a connection has ended stands only here.
    """

    def __init__(self) -> None:
        super().__init__("mqtt", logging.ERROR)
        self.propagate, self.why = False, ""
        self.addHandler(logging.NullHandler())

    def handle(self, record: logging.LogRecord) -> None:
        for each in record.args or ():
            if isinstance(each, OSError):
                self.why = reason(each)


class Mqtt:
    """One connection to a broker, and what has been heard over it."""

    def __init__(self, client: Client, config: Config, named: Named) -> None:
        hold = max(HOLD_PERIODS * config.period, SHORTEST_HOLD)
        self._client, self._named = client, dataclasses.replace(named, hold=hold)
        self._outlets = Outlets(self._named, config.probes, project=config.project)
        self._waves = Waves(self._outlets, METERS, changes=config.known.changes)
        self._topics = topics(config)
        self._owed = Owed(
            self._outlets,
            promised(self._topics),
            named.clock.now_ms(),
            changes=config.known.changes,
        )
        self._news = asyncio.Event()
        self._ended: Exception | None = None

    async def subscribe(self) -> None:
        """Raises Unreachable if the broker refuses a topic."""
        wanted = list(self._topics)
        for begin in range(0, len(wanted), AT_ONCE):
            part = wanted[begin : begin + AT_ONCE]
            answer: Sequence[int | ReasonCode] = await self._client.subscribe(
                [(topic, 0) for topic in part]
            )
            for topic, code in zip(part, answer, strict=False):
                if (code if isinstance(code, int) else code.value) >= REFUSED:
                    raise Unreachable(f"the broker does not let this login hear {topic!r}")

    async def listen(self) -> None:
        """Hear messages until the connection ends; why it did, the next read raises."""
        try:
            async for message in self._client.messages:
                self._hear(message)
        except MqttError as error:
            self._ended = Unreachable(f"the connection to the broker has ended: {_said(error)}")
        except Exception as error:  # noqa: BLE001 - raised by whoever waits
            self._ended = error
        self._news.set()

    async def read(self) -> Reading:
        """Wait for a message, then for those that come with it."""
        await self._first()
        if self._ended is None:
            await asyncio.sleep(WAVE_MS / 1000)
        self._news.clear()
        lacking = self._owed.lacking(self._named.clock.now_ms())
        reading = dataclasses.replace(self._waves.taken(), lacking=lacking)
        if self._ended is not None:
            self._news.set()
            if not len(reading.samples) and not reading.refused:
                raise self._ended
        return reading

    async def _first(self) -> None:
        silent_s = self._named.hold.total_seconds()
        try:
            async with asyncio.timeout(silent_s):
                await self._news.wait()
        except TimeoutError as error:
            first = next(iter(self._topics))
            many = f"{first!r}" if len(self._topics) == 1 else f"{first!r} and others"
            raise Unreachable(f"no message within {silent_s:g} s on {many}") from error

    def _hear(self, message: Message) -> None:
        """Take note of one message; of one that is retained nobody knows when it was said."""
        wanted = self._topics.get(message.topic.value)
        if wanted is None or message.retain:
            return
        at_ms, refused = self._named.clock.now_ms(), Counter[str]()
        try:
            document = _document(message.payload)
        except BadReading:
            self._refuse({"no usable message": 1}, at_ms)
            return
        for outlet, figures in wanted:
            values = figures.of(document, refused)
            lacks_some = self._owed.hear(outlet, figures.paths, values, at_ms)
            if values:
                self._waves.hear(outlet, values, at_ms)
                self._news.set()
            elif lacks_some:
                refused["a message without its figures"] += 1
        if refused:
            self._refuse(refused, at_ms)

    def _refuse(self, reasons: Mapping[str, int], at_ms: int) -> None:
        self._waves.refuse(reasons, at_ms)
        self._news.set()


def _document(payload: object) -> object:
    """Raises BadReading."""
    if not isinstance(payload, bytes) or len(payload) > LARGEST:
        raise BadReading(f"a message of more than {LARGEST // 1024} KiB")
    return decode(payload)


def _said(error: MqttError) -> str:
    """What went wrong, without the library's numbers."""
    below = error.__cause__ or error.__context__
    if isinstance(below, TimeoutError) and not below.args:  # asyncio's: it is connected
        return NO_BROKER
    if isinstance(below, OSError):
        return reason(below)
    return re.sub(r"\[code:-?\d+\] ", "", str(error.__cause__ or error))


def _trusted(config: Config) -> ssl.SSLContext | None:
    """Raises Mistake if a file cannot be used."""
    if not config.trust:
        return None
    context = config.trust.context()
    config.identity.show_in(context)
    return context


@asynccontextmanager
async def _connected(config: Config) -> AsyncIterator[Client]:
    """Raises Unreachable that says why not."""
    host, port = config.address
    overheard = Overheard()
    client = Client(
        host,
        port,
        username=config.user or None,
        password=config.password.reveal() or None,
        tls_context=await asyncio.to_thread(_trusted, config),
        timeout=ANSWER_S,
        keepalive=KEEPALIVE_S,
        max_queued_incoming_messages=MOST_WAITING,
        logger=overheard,
    )
    try:
        await client.__aenter__()
    except MqttError as error:
        said = overheard.why or _said(error)
        if isinstance(error, MqttCodeError):
            said = f"the broker refuses: {said}; look at user and password"
        raise Unreachable(f"{host}:{port}: {said}") from error
    try:
        yield client
    finally:
        with contextlib.suppress(MqttError):
            await client.__aexit__(None, None, None)


@asynccontextmanager
async def open_mqtt(config: Config, named: Named) -> AsyncIterator[Source]:
    async with _connected(config) as client:
        source = Mqtt(client, config, named)
        listening = asyncio.create_task(source.listen())
        try:
            await source.subscribe()
            yield source
        except MqttError as error:
            raise Unreachable(f"the broker: {_said(error)}") from error
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


SOURCE = SourceKind(
    name="mqtt",
    title="Meters on an MQTT broker",
    config=Config,
    meters=METERS,
    interval=timedelta(0),
    timeout=timedelta(minutes=20),
    open=open_mqtt,
)
