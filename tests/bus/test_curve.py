"""Who has the key hears all, who has another one nothing, and who is in between noise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bus.cast import SECRET
from tests.bus.house import (
    follower_of,
    publish,
    publisher_in,
    running,
    sockets,
    taken,
    until,
    values,
)
from tests.bus.relay import Relay, relaying
from tests.bus.test_forwarder import forwarding

from meterhouse.bus.curve import Pair, make, read_public
from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.links import Link
from meterhouse.bus.listen import Listener
from meterhouse.bus.publisher import Publisher
from meterhouse.metering.errors import Mistake

ANYWHERE = Endpoint("tcp://127.0.0.1:*", "tcp://127.0.0.1:*")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    make(tmp_path / "keys")
    return Pair.read(str(tmp_path / "keys"))


@pytest.fixture
def other(tmp_path: Path) -> Pair:
    make(tmp_path / "others")
    return Pair.read(str(tmp_path / "others"))


@asynccontextmanager
async def tapped(publisher: Publisher) -> AsyncIterator[tuple[Endpoint, Relay, Relay]]:
    """Where a publisher is reached through somebody on both its lines."""
    at = publisher.endpoint
    async with relaying(at.live) as live, relaying(at.replay) as replay:
        address = "tcp://127.0.0.1:{}"
        yield (
            Endpoint(address.format(live.port), address.format(replay.port), at.key),
            live,
            replay,
        )


async def overheard(publisher: Publisher) -> list[bytes]:
    """What somebody in between hears of three batches, on both lines."""
    async with (
        running(publisher),
        tapped(publisher) as (endpoint, live, replay),
        follower_of(endpoint) as follower,
    ):
        publish(publisher, 1, 3)
        assert values(await taken(follower, 3)) == [1, 2, 3]
        await until(lambda: len(live.heard) > 1_000)
    return [bytes(relay.heard) for relay in (live, replay)]


async def test_who_sits_in_between_reads_nothing(tmp_path: Path, pair: Pair) -> None:
    """A publisher's name stands as it is in each of its messages; series are deflated there."""
    plain = publisher_in(tmp_path / "plain", at=ANYWHERE)
    assert all(b"osl-dc1" in heard for heard in await overheard(plain))
    encrypted = publisher_in(tmp_path / "encrypted", at=ANYWHERE, pair=pair)
    assert not any(b"osl-dc1" in heard for heard in await overheard(encrypted))


async def test_a_line_that_was_cut_is_caught_up(tmp_path: Path, pair: Pair) -> None:
    publisher = publisher_in(tmp_path, at=ANYWHERE, pair=pair)
    async with (
        running(publisher),
        tapped(publisher) as (endpoint, live, replay),
        follower_of(endpoint) as follower,
    ):
        publish(publisher, 1, 2)
        assert values(await taken(follower, 2)) == [1, 2]
        live.cut()
        replay.cut()
        publish(publisher, 3, 9)
        live.mend()
        replay.mend()
        assert values(await taken(follower, 7)) == [3, 4, 5, 6, 7, 8, 9]
        await until(lambda: publisher.journal.state.acknowledged == 9)


async def test_another_key_hears_nothing_and_is_told_once(
    tmp_path: Path, pair: Pair, other: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = publisher_in(tmp_path, at=ANYWHERE, pair=pair)
    async with running(publisher), AsyncExitStack() as stack:
        wrong = replace(publisher.endpoint, key=other.public)
        stranger = await stack.enter_async_context(Listener([wrong], SECRET))
        locked_out = await stack.enter_async_context(follower_of(wrong))
        right = await stack.enter_async_context(follower_of(publisher.endpoint))
        publish(publisher, 1, 3)
        assert values(await taken(right, 3)) == [1, 2, 3]
        await until(lambda: locked_out.links() == {wrong.live: Link.OTHER_KEY})
        await asyncio.sleep(0.5)  # in which it is tried again some times
        assert not stranger.counts
        assert not locked_out.states()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        f"{wrong.replay} is there, but ends the connection at once: has it another key?"
    )


@pytest.mark.parametrize("who", ["publisher", "follower"])
async def test_if_one_side_does_not_encrypt_nothing_passes_until_both_do(
    tmp_path: Path, pair: Pair, caplog: pytest.LogCaptureFixture, who: str
) -> None:
    at = Endpoint.ipc(sockets(), "bus")
    before, after = (pair, None) if who == "publisher" else (None, pair)
    key = after.public if after else b""
    async with (
        follower_of(replace(at, key=key)) as follower,
        Listener([replace(at, key=key)], SECRET) as listener,
    ):
        first = publisher_in(tmp_path, at=at, pair=before)
        async with running(first):
            publish(first, 1, 2)
            await until(lambda: follower.links()[at.live] in (Link.OTHER_KEY, Link.UNLIKE))
        first.journal.close()
        assert not follower.states()
        second = publisher_in(tmp_path, at=at, pair=after)
        async with running(second):
            assert values(await taken(follower, 2)) == [1, 2]
            assert follower.links() == {at.live: Link.UP}
        assert not listener.counts
    trouble, mended = [record.getMessage() for record in caplog.records]
    assert trouble.startswith(f"{at.replay} is there, but ")
    assert mended == f"{at.replay} is up"


async def test_a_forwarder_encrypts_on_both_sides(tmp_path: Path, pair: Pair, other: Pair) -> None:
    publisher = publisher_in(tmp_path, pair=pair)
    publish(publisher, 1, 2)
    async with running(publisher), forwarding(publisher.endpoint, pair=other) as forwarder:
        assert forwarder.endpoint.key == other.public
        async with follower_of(forwarder.endpoint) as follower:
            publish(publisher, 3, 3)
            assert values(await taken(follower, 3)) == [1, 2, 3]
            await until(lambda: publisher.journal.state.acknowledged == 3)
        through = replace(forwarder.endpoint, key=pair.public)
        async with follower_of(through) as follower:
            await until(lambda: follower.links() == {through.live: Link.OTHER_KEY})


async def test_a_forwarder_goes_on_once_its_upstream_encrypts(tmp_path: Path, pair: Pair) -> None:
    at = Endpoint.ipc(sockets(), "bus")
    first = publisher_in(tmp_path, at=at)
    told: list[Link] = []
    upstream = replace(at, key=pair.public)
    async with forwarding(upstream, on_link=lambda _, link: told.append(link)) as forwarder:
        async with running(first):
            await until(lambda: Link.UNLIKE in told)
            await asyncio.sleep(0.3)  # in which it is connected to anew
        first.journal.close()
        second = publisher_in(tmp_path, at=at, pair=pair)
        async with (
            running(second),
            Listener([forwarder.endpoint], SECRET) as listener,
            follower_of(forwarder.endpoint) as follower,
        ):
            publish(second, 1, 1)
            assert values(await taken(follower, 1)) == [1]

            def heard_live() -> int:
                publish(second, 7, 7)
                return listener.counts["heard"]

            await until(heard_live)


def test_keys_are_read_only_by_their_owner_and_shown_to_nobody(tmp_path: Path) -> None:
    public = make(tmp_path / "keys")
    found = Pair.read(str(tmp_path / "keys"))
    assert found.public == read_public(str(public))
    assert [path.stat().st_mode & 0o777 for path in (public, tmp_path / "keys")] == [0o600] * 2
    assert found.secret.decode() not in repr(found)
    with pytest.raises(Mistake, match=r"keys\.public: File exists"):
        make(tmp_path / "keys")


def test_an_address_names_the_file_of_its_key(tmp_path: Path) -> None:
    public = make(tmp_path / "keys")
    assert Endpoint.at(f"tcp://host:8401#{public}") == Endpoint(
        "tcp://host:8401", "tcp://host:8402", read_public(str(public))
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"\xff", "it is no text"),
        (b"", "expected 'meterhouse-bus-public', and this is none"),
        (b"meterhouse-bus-secret " + b"0" * 40, "this is the wrong one of the two"),
        (b"meterhouse-bus-public 0000", "this is none"),
        (b"meterhouse-bus-public " + b"~" * 40, "it is damaged"),
    ],
)
def test_a_file_that_holds_no_key_is_a_mistake(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Mistake, match="`meterhouse bus-keys FILE` makes them") as mistake:
        Endpoint.at(f"tcp://host:8401#{file}")
    assert said in str(mistake.value)


async def test_who_is_closed_does_not_try_again(
    tmp_path: Path, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = publisher_in(tmp_path, pair=pair)
    async with running(publisher):
        async with follower_of(replace(publisher.endpoint, key=b"")) as follower:
            (at,) = follower.links()
            await until(lambda: follower.links()[at] is Link.UNLIKE)
        await asyncio.sleep(0.2)
    assert not [record for record in caplog.records if record.name == "asyncio"]
