"""An environment in which our own calls reach the emulator, whatever the caller's own says."""

import os
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_environment(home: Path, keep: Container[str] = frozenset()) -> Iterator[None]:
    """Have our own boto3 and urllib led nowhere else until the block ends: no profile, no proxy.

    Args:
        home: where they look for profiles; a directory without any, or none at all.
        keep: names of variables that count all the same.

    """
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(_kept(before, keep), HOME=str(home))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _kept(environment: Mapping[str, str], keep: Container[str]) -> dict[str, str]:
    """Give what programs themselves need of an environment: no AWS_ or SIDECAR_ variable."""
    return {name: value for name, value in environment.items() if name in keep or not _leads(name)}


def _leads(name: str) -> bool:
    return name.startswith(("AWS_", "SIDECAR_", "BOTO_")) or "proxy" in name.lower()
