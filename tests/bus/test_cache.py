from meterhouse.bus.cache import Cache


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    cache: Cache[str] = Cache(most=2)
    cache.put(1, "one", 1)
    cache.put(2, "two", 1)
    assert cache.get(1) == "one"
    cache.put(3, "three", 1)
    assert [cache.get(key) for key in (1, 2, 3)] == ["one", None, "three"]
    assert len(cache) == 2


def test_something_heavy_pushes_out_several() -> None:
    cache: Cache[str] = Cache(most=3)
    for key in (1, 2, 3):
        cache.put(key, str(key), 1)
    cache.put(4, "heavy", 3)
    assert [cache.get(key) for key in (1, 2, 3, 4)] == [None, None, None, "heavy"]


def test_what_is_too_heavy_is_handed_back_and_not_kept() -> None:
    cache: Cache[str] = Cache(most=1)
    assert cache.put(1, "heavy", 2) == "heavy"
    assert cache.get(1) is None


def test_of_two_made_at_once_the_first_stays() -> None:
    cache: Cache[list[int]] = Cache(most=2)
    first, second = [1], [1]
    assert cache.put(1, first, 1) is first
    assert cache.put(1, second, 1) is first
