"""Keys that never leave their device get sessions too: PKCS#11 tokens and TPMs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.ca import (
    Authority,
    Subject,
    Workload,
    certificate_pem,
    certify_workload,
    create_intermediate,
    create_root,
)
from sidecar.errors import IdentityError, UpstreamRefused
from sidecar.identity import pkcs11
from sidecar.identity.load import load_identity, load_signing_key
from sidecar.identity.password import PasswordGiven
from sidecar.identity.places import IdentityPlaces
from sidecar.identity.signing_key import PublicKey
from sidecar.redaction import Secret
from tests.identity.softhsm import PIN, TOKEN, SoftHsm, soft_hsm
from tests.identity.swtpm import Eventually, SwTpm, sw_tpm
from tests.sessions.conftest import Site

RegisterRoot = Callable[[x509.Certificate], Site]

with_and_without_chain = pytest.mark.parametrize("chained", [False, True])
ON_THE_TOKEN = f"{TOKEN};object=mine"
KEY_ON_THE_TOKEN = f"{TOKEN};object=mine;type=private"


@pytest.fixture(scope="module")
def root(moment: datetime) -> Authority:
    return create_root(Subject("Device root"), now=moment, validity=timedelta(days=1))


@pytest.fixture(scope="module")
def intermediate(root: Authority, moment: datetime) -> Authority:
    return create_intermediate(root, Subject("Device CA"), now=moment, validity=timedelta(days=1))


@pytest.fixture(scope="module")
def site(register_root: RegisterRoot, root: Authority) -> Site:
    return register_root(root.certificate)


Certify = Callable[[PublicKey], tuple[x509.Certificate, Path | None]]


@pytest.fixture
def certify(
    chained: bool, root: Authority, intermediate: Authority, moment: datetime, tmp_path: Path
) -> Certify:
    """Give a function that certifies a device's key and writes the intermediate, if any."""

    def certified(public_key: PublicKey) -> tuple[x509.Certificate, Path | None]:
        issuer = intermediate if chained else root
        leaf = certify_workload(
            issuer,
            Workload(Subject("machine-1").name(), public_key),
            now=moment,
            validity=timedelta(hours=1),
        )
        if not chained:
            return leaf, None
        chain = tmp_path / "chain.pem"
        chain.write_bytes(certificate_pem(intermediate.certificate))
        return leaf, chain

    return certified


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        yield hsm


@pytest.fixture
def tpm(tmp_path: Path, eventually: Eventually) -> Iterator[SwTpm]:
    with sw_tpm(tmp_path, eventually) as tpm:
        yield tpm


def _get_a_session_and_refuse_the_twin(places: IdentityPlaces, site: Site) -> None:
    key = load_identity(places).certified_key()
    assert site.session(key).role_arn == str(site.parameters.role_arn)
    wrong = replace(key, sign=lambda message: key.sign(message + b"."))
    with pytest.raises(UpstreamRefused, match="signature"):
        site.session(wrong)
    if places.chain is not None:
        with pytest.raises(UpstreamRefused, match="Untrusted signing certificate"):
            site.session(replace(key, chain=()))


@with_and_without_chain
@pytest.mark.parametrize("both_on_the_token", [False, True])
@pytest.mark.parametrize("kind", ["rsa:2048", "EC:prime256v1", "EC:secp384r1"])
def test_a_key_on_a_token_gets_a_session(
    kind: str,
    both_on_the_token: bool,
    hsm: SoftHsm,
    certify: Certify,
    site: Site,
    tmp_path: Path,
) -> None:
    pin = PasswordGiven(Secret(PIN))
    hsm.generate("01", "mine", kind)
    leaf, chain = certify(pkcs11.open_key(KEY_ON_THE_TOKEN, module=hsm.module, pin=pin).public_key)
    (tmp_path / "leaf.pem").write_bytes(certificate_pem(leaf))
    hsm.write("cert", "01", "mine", leaf.public_bytes(Encoding.DER))
    places = IdentityPlaces(
        certificate=ON_THE_TOKEN if both_on_the_token else str(tmp_path / "leaf.pem"),
        private_key=None if both_on_the_token else KEY_ON_THE_TOKEN,
        chain=chain,
        password=pin,
        pkcs11_module=hsm.module,
    )
    _get_a_session_and_refuse_the_twin(places, site)
    hsm.generate("02", "another", kind)
    another = f"{TOKEN};object=another;type=private"
    with pytest.raises(IdentityError, match="does not belong to certificate"):
        load_identity(replace(places, private_key=another))


@with_and_without_chain
@pytest.mark.parametrize("options", [("group:P-256",), ("group:P-384",), ("bits:2048",)])
def test_a_key_in_a_tss2_file_gets_a_session(
    options: tuple[str, ...],
    tpm: SwTpm,
    certify: Certify,
    site: Site,
    tmp_path: Path,
) -> None:
    (tmp_path / "leaf.key").write_bytes(tpm.openssl_key(*options))
    key_places = IdentityPlaces(certificate=str(tmp_path / "leaf.key"), tpm=tpm.tcti)
    leaf, chain = certify(load_signing_key(key_places).public_key)
    (tmp_path / "leaf.pem").write_bytes(certificate_pem(leaf))
    places = replace(
        key_places,
        certificate=str(tmp_path / "leaf.pem"),
        private_key=str(tmp_path / "leaf.key"),
        chain=chain,
    )
    _get_a_session_and_refuse_the_twin(places, site)


@with_and_without_chain
@pytest.mark.parametrize("algorithm", ["ecc256", "rsa2048"])
def test_a_persistent_key_of_a_tpm_gets_a_session(
    algorithm: str, tpm: SwTpm, certify: Certify, site: Site, tmp_path: Path
) -> None:
    parent = tpm.persist_primary()
    tpm.create(algorithm, parent)
    locator = f"tpm:{tpm.persist(parent):#x}"
    (tmp_path / "leaf.pem").touch()
    places = IdentityPlaces(
        certificate=str(tmp_path / "leaf.pem"), private_key=locator, tpm=tpm.tcti
    )
    leaf, chain = certify(load_signing_key(places).public_key)
    (tmp_path / "leaf.pem").write_bytes(certificate_pem(leaf))
    _get_a_session_and_refuse_the_twin(replace(places, chain=chain), site)
