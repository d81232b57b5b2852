"""How much is held: what was unused for longest makes room, by count and by bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class Store(Generic[Item]):
    """Items in the order of their last use.

    Args:
        size: how many there may be.
        max_bytes: how much room they may take.
        evicted: told of each that had to go.

    """

    def __init__(self, size: int, max_bytes: int, evicted: Callable[[Item], None]) -> None:
        self._size = size
        self._max_bytes = max_bytes
        self._evicted = evicted
        self._items: OrderedDict[Item, int] = OrderedDict()
        self.bytes = 0
        self.evictions = 0
        # A read calls this and nothing else.
        self.touch = self._items.move_to_end

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: Item) -> bool:
        return item in self._items

    def put(self, item: Item, size: int) -> None:
        """Hold an item that takes `size` bytes, or note its new size; its place stays the same.

        What is larger than all the room there is goes itself, and nothing else has to.
        """
        self.bytes += size - self._items.get(item, 0)
        self._items[item] = size
        if size > self._max_bytes:
            self._evict(item)
        while self.bytes > self._max_bytes or len(self._items) > self._size:
            self._evict(next(iter(self._items)))

    def grow(self, item: Item, more: int) -> None:
        """Note that an item takes more room; one that is not held is let be."""
        if item in self._items:
            self.put(item, self._items[item] + more)

    def drop(self, item: Item) -> None:
        """Hold an item no longer."""
        self.bytes -= self._items.pop(item, 0)

    def clear(self) -> None:
        """Hold nothing."""
        self._items.clear()
        self.bytes = 0

    def _evict(self, item: Item) -> None:
        self.drop(item)
        self.evictions += 1
        self._evicted(item)
