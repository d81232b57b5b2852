"""openssl's verdict on a path, and requests that openssl makes."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509

from sidecar.ca import Authority, certificate_pem

OpenSsl = Callable[..., CompletedProcess[str]]


@pytest.fixture
def verify(openssl: OpenSsl, tmp_path: Path, now: datetime) -> Callable[..., str]:
    """Give openssl's verdict on a path from a leaf to a root at the tests' moment."""

    def judge(root: Authority, leaf: x509.Certificate, *between: Authority) -> str:
        issuers = [each.certificate for each in between]
        for name, certificates in (("root", [root.certificate]), ("between", issuers)):
            (tmp_path / name).write_bytes(certificate_pem(*certificates))
        (tmp_path / "leaf").write_bytes(certificate_pem(leaf))
        trust = ("-CAfile", tmp_path / "root", "-attime", int(now.timestamp()), "-x509_strict")
        chain = ("-untrusted", tmp_path / "between") if between else ()
        judged = openssl("verify", *trust, *chain, tmp_path / "leaf")
        return judged.stdout.removeprefix(f"{tmp_path / 'leaf'}: ").strip() or judged.stderr

    return judge


@pytest.fixture
def make_csr(openssl: OpenSsl, tmp_path: Path) -> Callable[..., bytes]:
    """Give a function that has openssl make a request; words are extensions or options."""

    def make(
        subject: str = "/O=Example/CN=billing",
        *extensions: str,
        key: tuple[str, ...] = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    ) -> bytes:
        path = tmp_path / "request.csr"
        more = [word for each in extensions for word in ("-addext", each)]
        kept = ("-nodes", "-keyout", tmp_path / "request.key", "-out", path)
        made = openssl("req", "-new", "-newkey", *key, *kept, "-subj", subject, *more)
        assert made.returncode == 0, made.stderr
        return path.read_bytes()

    return make
