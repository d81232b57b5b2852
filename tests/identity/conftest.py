"""An identity's two files, as a user would mount them."""

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
