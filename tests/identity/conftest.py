"""An identity's two files, as a user would mount them."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509

from sidecar.ca import PrivateKey, certificate_pem, private_key_pem

Leaf = tuple[x509.Certificate, PrivateKey]


@pytest.fixture
def certificate_file(tmp_path: Path, workload: Leaf) -> Path:
    path = tmp_path / "workload.pem"
    path.write_bytes(certificate_pem(workload[0]))
    return path


@pytest.fixture
def key_file(tmp_path: Path, workload: Leaf) -> Path:
    path = tmp_path / "workload.key"
    path.write_bytes(private_key_pem(workload[1]))
    return path


@pytest.fixture
def opened() -> Callable[[], list[str]]:
    """Give the paths of all files that this process has opened since somebody asked first."""
    _watched_opens()
    return _watched_opens


@cache
def _watched_opens() -> list[str]:
    paths: list[str] = []

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            paths.append(str(arguments[0]))

    # It stays for good: Python has no way to take an audit hook back.
    sys.addaudithook(note)
    return paths
