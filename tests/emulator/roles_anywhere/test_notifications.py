"""Notification settings of a trust anchor, by boto3."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.ca import certificate_pem
from sidecar.emulator.server import Emulator

CA, LEAF = "CA_CERTIFICATE_EXPIRY", "END_ENTITY_CERTIFICATE_EXPIRY"


@pytest.fixture
def anchor(client: Any, trusted_root: Any) -> Callable[..., dict[str, Any]]:
    """Give a function that makes a trust anchor."""
    pem = certificate_pem(trusted_root.certificate).decode()
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}

    def make(**changes: Any) -> dict[str, Any]:
        made = client.create_trust_anchor(name="anchor", source=source, **changes)
        found: dict[str, Any] = made["trustAnchor"]
        return found

    return make


def thresholds(anchor: dict[str, Any]) -> dict[str, int]:
    return {each["event"]: each["threshold"] for each in anchor["notificationSettings"]}


def test_settings_given_replace_the_default_of_their_event(anchor: Any, emulator: Emulator) -> None:
    made = anchor(notificationSettings=[{"event": CA, "enabled": False, "threshold": 10}])
    assert thresholds(made) == {CA: 10, LEAF: 45}
    own, default = made["notificationSettings"]
    assert (own["enabled"], own["configuredBy"]) == (False, emulator.administrator.account)
    assert (default["enabled"], default["configuredBy"]) == (True, "rolesanywhere.amazonaws.com")


def test_settings_are_put_and_reset_event_by_event(client: Any, anchor: Any) -> None:
    name = {"trustAnchorId": anchor()["trustAnchorId"]}
    wishes = [{"event": event, "enabled": True, "threshold": 30} for event in (CA, LEAF)]
    put = client.put_notification_settings(**name, notificationSettings=wishes)
    assert thresholds(put["trustAnchor"]) == {CA: 30, LEAF: 30}
    keys = [{"event": LEAF}]
    reset = client.reset_notification_settings(**name, notificationSettingKeys=keys)
    assert thresholds(reset["trustAnchor"]) == {CA: 30, LEAF: 45}
    assert thresholds(client.get_trust_anchor(**name)["trustAnchor"]) == {CA: 30, LEAF: 45}


@pytest.mark.parametrize("threshold", [0, 361])
def test_a_threshold_out_of_range_is_refused(
    client: Any, anchor: Any, refusal: Any, threshold: int
) -> None:
    name = {"trustAnchorId": anchor()["trustAnchorId"]}
    wish = [{"event": CA, "enabled": True, "threshold": threshold}]
    refused = refusal(client.put_notification_settings, **name, notificationSettings=wish)
    assert refused[:2] == (400, "ValidationException")
