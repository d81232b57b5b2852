"""`certs issue --csr`: openssl's requests become certificates, and no private key is written."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509

from sidecar.cli import main

OpenSsl = Callable[..., CompletedProcess[str]]


@pytest.fixture
def ca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    directory = tmp_path / "ca"
    assert main(["certs", "ca", f"--directory={directory}"]) == 0
    capsys.readouterr()
    return directory


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def csr(tmp_path: Path, openssl: OpenSsl) -> Callable[..., Path]:
    """Give a function that has openssl make a request."""

    def make(subject: str = "/O=Example/CN=billing", *extensions: str, key: str = "ec") -> Path:
        path = tmp_path / "request.csr"
        kind = (key, "-pkeyopt", "ec_paramgen_curve:P-256") if key == "ec" else (key,)
        more = [word for each in extensions for word in ("-addext", each)]
        kept = ("-nodes", "-keyout", tmp_path / "request.key", "-out", path)
        made = openssl("req", "-new", "-newkey", *kind, *kept, "-subj", subject, *more)
        assert made.returncode == 0, made.stderr
        return path

    return make


def _words(ca: Path, out: Path, csr: Path, *more: str) -> list[str]:
    return ["certs", "issue", f"--ca={ca}", f"--directory={out}", f"--csr={csr}", *more]


def _leaf(out: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates((out / "workload.pem").read_bytes())[0]


@pytest.mark.parametrize("key", ["ec", "rsa:2048"])
def test_openssl_accepts_the_certificate_for_the_requests_key(
    key: str,
    *,
    ca: Path,
    out: Path,
    csr: Callable[..., Path],
    openssl: OpenSsl,
    tmp_path: Path,
) -> None:
    assert main(_words(ca, out, csr(key=key))) == 0
    leaf = out / "workload.pem"
    judged = openssl("verify", "-CAfile", ca / "ca.pem", "-x509_strict", leaf)
    assert judged.stdout == f"{leaf}: OK\n"
    held = openssl("x509", "-in", leaf, "-noout", "-pubkey").stdout
    assert held == openssl("pkey", "-in", tmp_path / "request.key", "-pubout").stdout


def test_only_the_certificate_is_written_and_printed(
    ca: Path, out: Path, csr: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_words(ca, out, csr())) == 0
    assert [path.name for path in out.iterdir()] == ["workload.pem"]
    printed = capsys.readouterr()
    assert printed.out == f"certificate\t{out}/workload.pem\n"
    assert printed.err.startswith("issued to CN=billing,O=Example, valid until ")


@pytest.mark.parametrize("more", [[], ["--force"]], ids=["unasked", "by force"])
def test_a_certificate_never_lies_beside_a_key_that_is_not_its_own(
    more: list[str],
    *,
    ca: Path,
    out: Path,
    csr: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    refusal: Callable[..., str],
) -> None:
    fresh = ["certs", "issue", f"--ca={ca}", f"--directory={out}", "--common-name=other"]
    assert main(fresh) == 0
    capsys.readouterr()
    if not more:
        (out / "workload.pem").unlink()
    before = {path: path.read_bytes() for path in out.iterdir()}
    said = refusal(*_words(ca, out, csr(), *more))
    assert f"private key {out}/workload.key is not the key that the request is for" in said
    assert "hint: choose another --name" in said
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_a_certificate_may_lie_beside_its_own_key(
    ca: Path, out: Path, csr: Callable[..., Path], tmp_path: Path
) -> None:
    out.mkdir()
    request = csr()
    (tmp_path / "request.key").rename(out / "workload.key")
    assert main(_words(ca, out, request)) == 0
    assert main(_words(ca, out, request, "--force")) == 0


def test_a_private_key_beside_it_that_cannot_be_read_is_left_alone(
    ca: Path, out: Path, csr: Callable[..., Path]
) -> None:
    out.mkdir()
    (out / "workload.key").write_text("the requester's own")
    assert main(_words(ca, out, csr())) == 0
    assert (out / "workload.key").read_text() == "the requester's own"


def test_an_existing_certificate_is_not_overwritten_unasked(
    ca: Path, out: Path, csr: Callable[..., Path], refusal: Callable[..., str]
) -> None:
    out.mkdir()
    (out / "workload.pem").write_text("precious")
    assert "give --force to replace it" in refusal(*_words(ca, out, csr()))
    assert (out / "workload.pem").read_text() == "precious"


def test_subject_and_names_are_the_requests_and_what_is_left_out_is_told(
    ca: Path, out: Path, csr: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    request = csr("/C=KR/CN=web", "subjectAltName=DNS:web.example.com,email:root@example.com")
    assert main(_words(ca, out, request)) == 0
    assert _leaf(out).subject.rfc4514_string() == "CN=web,C=KR"
    names = _leaf(out).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName("web.example.com")]
    said = capsys.readouterr().err
    about = f"sidecar: warning: request {request}: alternative name of kind RFC822Name is left out"
    assert f"{about}\n" in said
    assert "issued to CN=web,C=KR, DNS name web.example.com, valid until" in said


def test_options_replace_the_requests_subject_and_names(
    ca: Path, out: Path, csr: Callable[..., Path]
) -> None:
    request = csr("/OU=Admins/CN=root", "subjectAltName=DNS:evil.example")
    assert main(_words(ca, out, request, "--common-name=web", "--uri=urn:web")) == 0
    assert _leaf(out).subject.rfc4514_string() == "CN=web"
    names = _leaf(out).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier("urn:web")]


def test_who_is_named_by_the_operator_gets_no_name_of_the_request(
    ca: Path, out: Path, csr: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    request = csr("/CN=root", "subjectAltName=DNS:evil.example,URI:urn:evil")
    assert main(_words(ca, out, request, "--common-name=web")) == 0
    with pytest.raises(x509.ExtensionNotFound):
        _leaf(out).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    said = capsys.readouterr().err
    for name in ("evil.example", "urn:evil"):
        assert f"warning: request {request}: alternative name {name} is left out\n" in said
    assert "issued to CN=web, valid until" in said


@pytest.mark.parametrize(
    ("request_words", "options", "said"),
    [
        (("/CN=x", "basicConstraints=CA:true"), [], "it asks to be a certificate authority"),
        (("/CN=x", "keyUsage=keyCertSign"), [], "it asks for a certificate authority's key usage"),
        (("/",), [], "the subject must have one common name (it has 0)"),
        (("/CN=x", "subjectAltName=DNS:*.example.com"), [], "a DNS name must have"),
        (("/CN=Credential sidecar CA",), [], "is the authority's own name"),
        (("/CN=x",), ["--key-type=p384"], "--key-type does not go with --csr"),
        (("/CN=x",), ["--organization=Example"], "need --common-name"),
        (("/CN=x",), ["--days=4000"], "ask for --days "),
    ],
)
def test_a_request_that_cannot_be_granted_is_refused_and_nothing_is_written(
    request_words: tuple[str, ...],
    options: list[str],
    said: str,
    *,
    ca: Path,
    out: Path,
    csr: Callable[..., Path],
    refusal: Callable[..., str],
) -> None:
    assert said in refusal(*_words(ca, out, csr(*request_words), *options))
    assert not out.exists()
    assert not (ca / "issued.jsonl").exists()


def test_a_weak_key_is_refused(
    ca: Path, out: Path, csr: Callable[..., Path], refusal: Callable[..., str]
) -> None:
    said = refusal(*_words(ca, out, csr(key="rsa:1024")))
    assert "an RSA key must have 2048 to 8192 bits (got 1024)" in said


@pytest.mark.parametrize("content", [None, b"", b"text", b"x" * 1_000_001])
def test_a_file_that_is_no_request_is_named(
    content: bytes | None, *, ca: Path, out: Path, tmp_path: Path, refusal: Callable[..., str]
) -> None:
    path = tmp_path / "request.csr"
    if content is not None:
        path.write_bytes(content)
    assert f"request {path}" in refusal(*_words(ca, out, path))
    assert not out.exists()
