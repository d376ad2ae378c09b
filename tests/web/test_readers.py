"""Keystone's word: what each answer of it means, how long it is believed, and when it is away."""

import asyncio
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User as Login

from meterhouse.clients.keystone.account import Bearer
from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.metering.errors import Unreachable
from meterhouse.web import readers as rooms
from meterhouse.web import tokens
from meterhouse.web.readers import KeystoneDoor, Reader, Readers, Refusal, Verdict

HOUR_MS = 3_600_000


class Word:
    """Stands for Keystone: says what it is told to, and counts how often it is asked."""

    def __init__(self, clock: FixedClock) -> None:
        self.says: Bearer | None = Bearer("alice", frozenset({"admin"}), clock.now_ms() + HOUR_MS)
        self.is_away = False
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ask(self, token: str) -> Bearer | None:
        self.asked += 1
        self.may_answer.wait(10)
        if self.is_away:
            raise Unreachable("Keystone is away")
        return self.says


@pytest.fixture
def word(clock: FixedClock) -> Word:
    return Word(clock)


@pytest.fixture
def readers(clock: FixedClock, word: Word) -> Readers:
    door = KeystoneDoor(word.ask, "http://keystone/v3", "Admin", 300_000)
    return Readers(clock, door, ThreadPoolExecutor(2))


def come(readers: Readers, token: str = "gAAAAAB") -> Verdict:  # noqa: S107 - of nobody
    return asyncio.run(readers.of([(b"x-auth-token", token.encode())]))


def test_the_role_opens_everything(readers: Readers) -> None:
    assert come(readers) == Reader(None)


def test_without_the_role_it_is_forbidden(readers: Readers, word: Word) -> None:
    word.says = Bearer("alice", frozenset({"member"}), 2**60)
    assert come(readers) == Refusal(403, "the role Admin is needed")


def test_a_token_that_keystone_does_not_know_is_nobodys(readers: Readers, word: Word) -> None:
    word.says = None
    verdict = come(readers)
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401
    assert verdict.headers == ((b"www-authenticate", b"Keystone uri='http://keystone/v3'"),)


def test_a_good_word_is_believed_for_its_time_also_while_keystone_is_away(
    readers: Readers, word: Word, clock: FixedClock
) -> None:
    come(readers)
    word.is_away = True
    clock.move(timedelta(seconds=299))
    assert come(readers) == Reader(None)
    assert word.asked == 1
    clock.move(timedelta(seconds=2))
    verdict = come(readers)
    assert isinstance(verdict, Refusal)
    assert (verdict.status, verdict.headers) == (503, ((b"retry-after", b"5"),))


def test_that_keystone_is_away_is_not_remembered_and_said_once(
    readers: Readers, word: Word, caplog: pytest.LogCaptureFixture
) -> None:
    word.is_away = True
    come(readers)
    come(readers, "another")
    assert word.asked == 2
    word.is_away = False
    assert come(readers) == Reader(None)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_no_word_outlives_the_token(readers: Readers, word: Word, clock: FixedClock) -> None:
    word.says = Bearer("alice", frozenset({"admin"}), clock.now_ms() + 10_000)
    come(readers)
    word.says = None
    clock.move(timedelta(seconds=9))
    assert come(readers) == Reader(None)
    clock.move(timedelta(seconds=2))
    assert isinstance(come(readers), Refusal)


def test_a_bad_word_is_believed_shortly(readers: Readers, word: Word, clock: FixedClock) -> None:
    says, word.says = word.says, None
    come(readers)
    word.says = says
    clock.move(timedelta(seconds=4))
    assert isinstance(come(readers), Refusal)
    clock.move(timedelta(seconds=2))
    assert come(readers) == Reader(None)


def test_many_who_ask_at_once_are_one_question(readers: Readers, word: Word) -> None:
    async def together() -> list[Verdict]:
        word.may_answer.clear()
        asking = [
            asyncio.create_task(readers.of([(b"x-auth-token", b"gAAAAAB")])) for _ in range(50)
        ]
        await asyncio.sleep(0)
        asking[0].cancel()  # one of them goes away
        await asyncio.sleep(0.01)
        word.may_answer.set()
        return list(await asyncio.gather(*asking[1:]))

    assert set(asyncio.run(together())) == {Reader(None)}
    assert word.asked == 1


def test_a_flood_of_tokens_is_told_to_come_back(
    readers: Readers, word: Word, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "MOST_WAITING", 3)

    async def flood() -> list[Verdict]:
        word.may_answer.clear()
        asking = [
            asyncio.create_task(readers.of([(b"x-auth-token", f"g{number}".encode())]))
            for number in range(5)
        ]
        await asyncio.sleep(0.01)
        word.may_answer.set()
        return list(await asyncio.gather(*asking))

    statuses = [v.status for v in asyncio.run(flood()) if isinstance(v, Refusal)]
    assert statuses == [503, 503]


def test_while_keystone_hangs_our_own_tokens_open_the_door(
    word: Word, people: dict[str, Login], aside: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "MOST_WAITING", 8)
    clock = SystemClock()
    readers = Readers(clock, KeystoneDoor(word.ask, "http://keystone/v3", "Admin", 300_000), aside)
    own = tokens.issue(people["root"], "mine", expires=None, now=clock.now()).encode()

    async def come_while_it_hangs() -> Verdict:
        word.may_answer.clear()
        hanging = [
            asyncio.create_task(readers.of([(b"x-auth-token", f"g{number}".encode())]))
            for number in range(8)
        ]
        try:
            await asyncio.sleep(0.05)
            async with asyncio.timeout(5):
                return await readers.of([(b"x-auth-token", own)])
        finally:
            word.may_answer.set()
            await asyncio.gather(*hanging)

    assert asyncio.run(come_while_it_hangs()) == Reader(None)


def test_all_that_one_login_shows_is_whose_it_is(
    people: dict[str, Login], aside: Executor
) -> None:
    clock = SystemClock()
    readers = Readers(clock, threads=aside)

    def whose(text: str) -> bytes:
        return asyncio.run(readers.whose([(b"authorization", f"Bearer {text}".encode())]))

    first, second = (
        tokens.issue(people["root"], name, expires=None, now=clock.now()) for name in "ab"
    )
    other = tokens.issue(people["alice"], "c", expires=None, now=clock.now())
    assert whose(first) == whose(second) != whose(other)
    assert whose("mh_nobody") != whose("mh_nobody_else")
    assert asyncio.run(readers.whose([])) == b""


def test_no_more_is_remembered_than_there_is_room_for(
    readers: Readers, word: Word, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "MOST_REMEMBERED", 2)
    for token in ("g1", "g2", "g3", "g1"):
        come(readers, token)
    assert word.asked == 4
    come(readers, "g3")
    assert word.asked == 4


def test_a_token_is_remembered_by_its_hash_only(readers: Readers) -> None:
    come(readers, "gAAAAABsecret")
    assert "gAAAAABsecret" not in repr(vars(readers))
