"""Replacing an attribute for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    """Set an attribute and put the original back at the end.

    Raises:
        AttributeError: the owner has no such attribute, so moto has changed and the patch with it.
    """
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def replaced_item(mapping: Any, key: str, value: object) -> Iterator[None]:
    """Set an item and put the original back at the end.

    Raises:
        KeyError: the mapping has no such item, so moto has changed and the patch with it.
    """
    original = mapping[key]
    mapping[key] = value
    try:
        yield
    finally:
        mapping[key] = original
