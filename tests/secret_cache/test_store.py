"""What makes room for what: by count, by bytes, and by when it was last used."""

import pytest

from sidecar.secret_cache.store import Store


class Shelf:
    """A store of three items and ten bytes, and what had to go."""

    def __init__(self) -> None:
        self.gone: list[str] = []
        self.store: Store[str] = Store(3, 10, self.gone.append)

    def put(self, **sizes: int) -> None:
        for item, size in sizes.items():
            self.store.put(item, size)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_what_was_unused_for_longest_makes_room(shelf: Shelf) -> None:
    shelf.put(a=1, b=1, c=1)
    shelf.store.touch("a")
    shelf.put(d=1, e=1)
    assert shelf.gone == ["b", "c"]
    assert (len(shelf.store), shelf.store.bytes, shelf.store.evictions) == (3, 3, 2)


def test_a_new_size_is_no_use(shelf: Shelf) -> None:
    shelf.put(a=1, b=1, c=1)
    shelf.put(a=2)
    shelf.put(d=1)
    assert shelf.gone == ["a"]


def test_as_many_go_as_the_bytes_need(shelf: Shelf) -> None:
    shelf.put(a=4, b=4)
    shelf.put(c=10)
    assert (shelf.gone, shelf.store.bytes) == (["a", "b"], 10)


def test_what_is_larger_than_all_the_room_goes_itself_and_alone(shelf: Shelf) -> None:
    shelf.put(a=4, b=11)
    assert (shelf.gone, "a" in shelf.store, shelf.store.bytes) == (["b"], True, 4)


def test_what_grows_may_cost_others_their_place(shelf: Shelf) -> None:
    shelf.put(a=4, b=4)
    shelf.store.grow("b", 3)
    assert (shelf.gone, shelf.store.bytes) == (["a"], 7)


def test_what_grows_larger_than_all_the_room_goes(shelf: Shelf) -> None:
    shelf.put(a=4, b=4)
    shelf.store.grow("b", 7)
    assert (shelf.gone, shelf.store.bytes) == (["b"], 4)


def test_what_is_not_held_cannot_grow(shelf: Shelf) -> None:
    shelf.store.grow("a", 3)
    assert (len(shelf.store), shelf.store.bytes) == (0, 0)


def test_what_is_dropped_is_no_eviction(shelf: Shelf) -> None:
    shelf.put(a=4)
    shelf.store.drop("a")
    shelf.store.drop("never held")
    assert (shelf.gone, shelf.store.bytes, shelf.store.evictions) == ([], 0, 0)
