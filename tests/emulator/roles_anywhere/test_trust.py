"""CreateSession's checks of certificates, over the wire: path first, then constraints."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.ca import Subject, create_intermediate, issue_workload
from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
DENIED = (403, "AccessDeniedException")


@pytest.fixture
def under_intermediate(trusted_intermediate: Any, today: Any) -> Any:
    """Give a certificate, with its key, that needs an intermediate to be trusted."""
    validity = trusted_intermediate.certificate.not_valid_after_utc - today
    return issue_workload(trusted_intermediate, Subject("deep"), now=today, validity=validity)


def test_a_chain_makes_a_path(
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    message: Submit,
    under_intermediate: Any,
    trusted_intermediate: Any,
) -> None:
    leaf, key = under_intermediate
    chain = [trusted_intermediate.certificate]
    assert submit(draft_for(shared_site, leaf=leaf, key=key, chain=chain)).status == 201
    without = draft_for(shared_site, leaf=leaf, key=key)
    assert message(without) == (*DENIED, "Untrusted signing certificate")


def test_the_chain_may_hold_the_leaf_and_the_root_too(
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    under_intermediate: Any,
    trusted_intermediate: Any,
    trusted_root: Any,
) -> None:
    leaf, key = under_intermediate
    chain = [trusted_root.certificate, leaf, trusted_intermediate.certificate]
    assert submit(draft_for(shared_site, leaf=leaf, key=key, chain=chain)).status == 201


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"usage": {"key_agreement"}}, "Untrusted certificate. Insufficient certificate"),
        (
            {"attributes": []},
            "Untrusted certificate. Insufficient certificate: the subject is empty",
        ),
        (
            {"ca": True, "usage": {"digital_signature", "key_cert_sign"}},
            (
                "Untrusted certificate. Insufficient certificate: "
                "a certificate authority may not be an end entity"
            ),
        ),
    ],
)
def test_an_insufficient_certificate_is_refused(
    *,
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    message: Submit,
    certify: Any,
    trusted_root: Any,
    options: dict[str, Any],
    text: str,
) -> None:
    issuer = (trusted_root.certificate, trusted_root.key)
    leaf, key = certify(issuer, **options)
    assert message(draft_for(shared_site, leaf=leaf, key=key)) == (*DENIED, text)
    leaf, key = certify(issuer)
    assert submit(draft_for(shared_site, leaf=leaf, key=key)).status == 201


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (25 * 3600, "Untrusted certificate. Certificate has expired"),
        (-3600, "Untrusted certificate. Certificate is not yet valid"),
    ],
)
def test_service_time_decides_about_validity(
    *,
    emulator: Emulator,
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    message: Submit,
    seconds: int,
    text: str,
) -> None:
    assert submit(draft_for(shared_site)).status == 201
    emulator.move_clock(seconds)
    assert message(draft_for(shared_site)) == (*DENIED, text)


def test_a_leaf_of_a_stranger_is_not_trusted_even_with_the_anchor_in_its_chain(
    shared_site: Any, draft_for: Submit, message: Submit, certify: Any, trusted_root: Any
) -> None:
    stranger = certify(name="Trusted root", ca=True, usage={"key_cert_sign"})
    leaf, key = certify(stranger)
    chain = [trusted_root.certificate, stranger[0]]
    draft = draft_for(shared_site, leaf=leaf, key=key, chain=chain)
    assert message(draft) == (*DENIED, "Untrusted signing certificate")


def test_an_intermediate_under_an_intermediate_that_forbids_it_is_refused(
    shared_site: Any, draft_for: Submit, message: Submit, trusted_intermediate: Any, today: Any
) -> None:
    validity = trusted_intermediate.certificate.not_valid_after_utc - today
    below = create_intermediate(
        trusted_intermediate, Subject("below"), now=today, validity=validity
    )
    leaf, key = issue_workload(below, Subject("deep"), now=today, validity=validity)
    chain = [below.certificate, trusted_intermediate.certificate]
    draft = draft_for(shared_site, leaf=leaf, key=key, chain=chain)
    assert message(draft) == (*DENIED, "Untrusted certificate. Path length constraint exceeded")
