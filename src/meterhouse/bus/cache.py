"""A bounded memory of things that were costly to make."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Cache(Generic[Made]):
    """The things used last, as long as together they weigh no more than ``most``.

    May be used from several threads.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._things: OrderedDict[Hashable, tuple[Made, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Made | None:
        with self._lock:
            found = self._things.get(key)
            if found is None:
                return None
            self._things.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, thing: Made, weight: int) -> Made:
        """Keep a thing, forget the ones used longest ago, and return the one that is kept.

        What another thread kept under the same key meanwhile stays. A thing that alone weighs
        more than all may is not kept.
        """
        with self._lock:
            if key in self._things or weight > self._most:
                return self._things.get(key, (thing, weight))[0]
            self._things[key] = thing, weight
            self._weight += weight
            while self._weight > self._most:
                self._weight -= self._things.popitem(last=False)[1][1]
            return thing

    def __len__(self) -> int:
        return len(self._things)
