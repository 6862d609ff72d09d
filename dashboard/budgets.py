"""What may be kept in memory, in bytes and not in pieces: a few large ones cost as much as many small ones."""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

Value = TypeVar("Value")


def size(arrays: Iterable[np.ndarray]) -> int:
    """Bytes of arrays, of one that several share once."""
    return sum({id(array): array.nbytes for array in arrays}.values())


class Cache(Generic[Value]):
    """Values that are made when they are asked for and kept while there is room: the ones that were asked for last.

    most: bytes. One that is larger than all of it is kept until the next is asked for.
    """

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        self.most, self.bytes = most, 0
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._making: dict[Hashable, threading.RLock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        with self._lock:
            if key in self._kept:
                return self._use(key)
            making = self._making.setdefault(key, threading.RLock())
        with making:  # who asks for the same meanwhile waits for it, who asks for something else does not
            with self._lock:
                if key in self._kept:
                    return self._use(key)
            try:
                value = make()
                size = self._size(value)
                with self._lock:
                    self._forget(key)
                    self._kept[key] = value, size
                    self.bytes += size
                    while self.bytes > self.most and len(self._kept) > 1:
                        self._forget(next(iter(self._kept)))
            finally:
                with self._lock:
                    self._making.pop(key, None)
            return value

    def _use(self, key: Hashable) -> Value:
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def _forget(self, key: Hashable) -> None:
        _, size = self._kept.pop(key, (None, 0))
        self.bytes -= size


class Holder(Protocol):
    """Somebody who holds something large and can let go of it."""

    def let_go(self) -> None: ...


class Shared:
    """Room that holders share. Who has not used theirs for a while lets go of it when somebody needs room.

    most: bytes. idle: seconds after which something may be let go; what is on somebody's screen stays there.
    """

    def __init__(self, most: int, idle: float = 60.0) -> None:
        self.most, self.idle = most, idle
        self._held: weakref.WeakKeyDictionary[Any, tuple[int, float]] = weakref.WeakKeyDictionary()
        self._lock = threading.RLock()  # who lets go says so here

    def hold(self, holder: Holder, bytes: int) -> bool:
        """Whether there is room for that in the place of what the holder had. Others let go of theirs, if need be: the
        one first that was used least recently."""
        with self._lock:
            now = time.monotonic()
            others = [(used, held, one) for one, (held, used) in self._held.items() if one is not holder]
            left = self.most - bytes - sum(held for _, held, _ in others)
            gone = []
            for used, held, one in sorted(others, key=lambda other: other[0]):
                if left >= 0 or now - used < self.idle:
                    break
                gone.append(one)
                left += held
            if left < 0:
                return False
            for one in gone:
                del self._held[one]
                one.let_go()
            self._held[holder] = bytes, now
            return True

    def use(self, holder: Holder, bytes: int) -> None:
        """It is used now, and has that size by now: it stays for another while."""
        with self._lock:
            if holder in self._held:
                self._held[holder] = bytes, time.monotonic()

    def free(self, holder: Holder) -> None:
        with self._lock:
            self._held.pop(holder, None)

    @property
    def bytes(self) -> int:
        with self._lock:
            return sum(held for held, _ in self._held.values())
