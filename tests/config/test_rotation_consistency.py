"""A user's key must stay active for as long as applications hold it, and no other key matters."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded

SCOPE: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
ARN: Final = f"{SCOPE}prod/backup-AbCdEf"
LONG: Final = {"session_duration_seconds": 3601}

Refused = Callable[..., list[str]]


@pytest.fixture
def refused(load: Callable[..., Loaded], sound: dict[str, Any]) -> Refused:
    """Give a function that loads a rotated key that a role hands out, and says what is wrong."""

    def run(role: dict[str, Any], *, rotated: str = ARN, app: str = "legacy") -> list[str]:
        section = {"source": "access-key-secret", "secret_id": ARN, "via": "default"}
        sound["roles"]["legacy"] = section | role
        sound["apps"]["web"]["roles"] = [app]
        sound["rotation"] = {rotated: {"user_name": "backup", "grace_hours": 1}}
        sound["secrets"] = {"max_stale_seconds": 0, "via": "default"}
        return [str(each) for each in inconsistencies(load(sound).config)]

    return run


def test_a_key_that_applications_hold_for_longer_than_its_grace_is_refused(
    refused: Refused,
) -> None:
    [problem] = refused(LONG)
    assert problem == (
        "roles.legacy.session_duration_seconds: is 3601: applications hold the key for longer than "
        f"it stays active after a rotation (rotation.{ARN}.grace_hours is 1)"
    )


@pytest.mark.parametrize(
    "role",
    [
        pytest.param({}, id="an hour, the default"),
        pytest.param(LONG | {"exchange": "session-token"}, id="a session has an end of its own"),
    ],
)
def test_a_key_that_outlives_what_applications_hold_is_accepted(
    role: dict[str, Any], refused: Refused
) -> None:
    assert refused(role) == []


def test_a_key_that_no_application_may_have_is_accepted(refused: Refused) -> None:
    assert refused(LONG, app="default") == []


@pytest.mark.parametrize(
    ("rotated", "secret_id"),
    [
        pytest.param(ARN, f"{SCOPE}prod/backup", id="a partial ARN"),
        pytest.param(f"{SCOPE}prod/backup", ARN, id="a partial ARN is rotated"),
        pytest.param(ARN, "prod/backup", id="a name"),
        pytest.param("prod/backup", "prod/backup", id="names"),
        pytest.param(ARN, ARN.replace("eu-central-1", "us-east-1"), id="a replica"),
    ],
)
def test_ids_that_may_stand_for_one_secret_are_one(
    rotated: str, secret_id: str, refused: Refused
) -> None:
    assert len(refused(LONG | {"secret_id": secret_id}, rotated=rotated)) == 1


@pytest.mark.parametrize(
    ("rotated", "secret_id"),
    [
        pytest.param(ARN, "prod/other", id="another name"),
        pytest.param("prod", f"{SCOPE}prod/backup", id="a name whose end is cut off"),
        pytest.param(ARN, f"{SCOPE}prod/backup-GhIjKl", id="made anew under its name"),
        pytest.param(ARN, ARN.replace("123456789012", "210987654321"), id="another account"),
    ],
)
def test_ids_of_different_secrets_are_told_apart(
    rotated: str, secret_id: str, refused: Refused
) -> None:
    assert refused(LONG | {"secret_id": secret_id}, rotated=rotated) == []
