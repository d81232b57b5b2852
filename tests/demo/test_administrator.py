"""Whom the demo trusts when it asks an emulator for its administrator's key."""

import io
import json
import ssl
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sidecar.ca import Subject, certificate_pem, create_root
from sidecar.demo.administrator import administrator

HELD = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "s", "Region": "eu-central-1"}


def test_an_emulator_with_tls_is_trusted_by_the_file_of_its_authority_alone(
    now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_root(Subject("Emulator"), now=now, validity=timedelta(days=1))
    (tmp_path / "ca.pem").write_bytes(certificate_pem(root.certificate))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    trusted: list[ssl.SSLContext | None] = []

    def answer(_url: str, *, timeout: float, context: ssl.SSLContext | None) -> io.StringIO:
        del timeout
        trusted.append(context)
        return io.StringIO(json.dumps(HELD))

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    for scheme in ("https", "http"):
        assert administrator(f"{scheme}://127.0.0.1:1").region_name == HELD["Region"]
    assert trusted[0] is not None
    assert len(trusted[0].get_ca_certs()) == 1
    assert trusted[0].verify_mode is ssl.CERT_REQUIRED
    assert trusted[1] is None
