"""The authority of AWS Private CA is made by the real sequence of calls.

The emulator's trust anchors take bundles only, so the authority stands alone here.
"""

from dataclasses import replace

import pytest

from sidecar.aws.administrator import AdministratorCalls
from sidecar.emulator.server import Emulator
from sidecar.provision.planning import Action
from sidecar.provision.wish import PrivateAuthority, Wish
from tests.provision.applied.stack import Mortal, Stack, stack_of, until_done


@pytest.fixture
def authority_alone(
    provisioned_emulator: Emulator, administrator: AdministratorCalls, fresh_stack_name: str
) -> Stack:
    wish = Wish(name=fresh_stack_name, authority=PrivateAuthority())
    whole = stack_of(wish, administrator, provisioned_emulator.region, b"")
    parts = tuple(each for each in whole.resources if each.type.startswith("AWS::ACMPCA"))
    assert len(parts) == 3
    return replace(whole, resources=parts)


def test_an_authority_is_active_once_it_was_applied(authority_alone: Stack) -> None:
    authority_alone.apply()
    steps = authority_alone.plan()
    assert {each.action for each in steps} == {Action.LEAVE}
    found = steps[0].found
    assert found is not None
    described = authority_alone.account.ask(
        "acm-pca", "describe_certificate_authority", CertificateAuthorityArn=found.ref
    )
    assert described["CertificateAuthority"]["Status"] == "ACTIVE"


def test_an_authority_whose_making_dies_is_made_once(authority_alone: Stack) -> None:
    calls = authority_alone.account.calls
    dying = authority_alone.changed(calls=Mortal(calls))
    before = len(_authorities(authority_alone))
    # Made, issued, imported; the emulator's authority is active by that alone.
    assert until_done(dying.apply) == 3
    assert len(_authorities(authority_alone)) == before + 1


def test_a_destroyed_authority_is_looked_for_no_more(authority_alone: Stack) -> None:
    authority_alone.apply()
    authority_alone.destroy()
    assert {each.action for each in authority_alone.plan()} == {Action.CREATE}


def _authorities(stack: Stack) -> list[object]:
    return stack.account.calls.listed(
        "acm-pca", "list_certificate_authorities", "CertificateAuthorities"
    )
