from pathlib import Path

from tests.bus.cast import SECRET
from tests.bus.house import follower_of, publish, publisher_in, running, taken, until, values

from meterhouse.bus.follow import follow
from meterhouse.metering.batches import Position


async def test_what_is_published_arrives(tmp_path: Path) -> None:
    async with (
        running(publisher_in(tmp_path)) as publisher,
        follower_of(publisher.endpoint) as follower,
    ):
        publish(publisher, 1, 3)
        assert values(await taken(follower, 3)) == [1.0, 2.0, 3.0]
        publish(publisher, 4, 5)
        assert values(await taken(follower, 2)) == [4.0, 5.0]
        await until(lambda: publisher._journal.state.acknowledged == 5)


async def test_what_was_published_before_anybody_listened_arrives(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    publish(publisher, 1, 1000)
    async with running(publisher), follower_of(publisher.endpoint) as follower:
        assert values(await taken(follower, 1000)) == [float(number) for number in range(1, 1001)]


async def test_following_goes_on_where_it_was_recorded(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    publish(publisher, 1, 9)
    positions = {"osl-dc1": Position(publisher._journal.epoch, 7)}
    async with running(publisher):
        async with aclosing(follow([publisher.endpoint], SECRET, positions)) as following:
            assert values([item async for item in first(2, following)]) == [8.0, 9.0]
