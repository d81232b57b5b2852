"""The versions and labels of a secret during its rotation, and what others may do to them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from moto.secretsmanager.models import SecretsManagerBackend

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
TOKEN = "rotation-".ljust(32, "0")


def test_the_pending_version_is_there_and_empty_before_the_first_step(
    new_rotating: Any, least: Any, refusal: Any
) -> None:
    found: list[object] = []

    def looks(secret: Any, event: dict[str, Any]) -> None:
        if event["Step"] == "createSecret":
            found.append(secret.stages[TOKEN])
            read = {"SecretId": secret.name, "VersionId": TOKEN, "VersionStage": "AWSPENDING"}
            found.append(refusal(secret.client.get_secret_value, **read)[1])
        least(secret, event)

    new_rotating(looks).rotate(ClientRequestToken=TOKEN)
    assert found == [["AWSPENDING"], "ResourceNotFoundException"]


def test_the_pending_version_is_filled_once(new_rotating: Any, least: Any, refusal: Any) -> None:
    second: list[object] = []

    def puts_twice(secret: Any, event: dict[str, Any]) -> None:
        least(secret, event)
        if event["Step"] == "createSecret":
            secret.put(TOKEN, f"value for {TOKEN}")
            put = {"ClientRequestToken": TOKEN, "VersionStages": ["AWSPENDING"]}
            call = secret.client.put_secret_value
            second.append(refusal(call, SecretId=secret.name, SecretString="x", **put)[1])

    secret = new_rotating(puts_twice)
    secret.rotate(ClientRequestToken=TOKEN)
    assert second == ["ResourceExistsException"]
    assert secret.value == f"value for {TOKEN}"


@pytest.mark.parametrize("by", ["put_secret_value", "update_secret"])
def test_a_value_put_by_hand_abandons_the_rotation(new_rotating: Any, least: Any, by: str) -> None:
    def interrupted(secret: Any, event: dict[str, Any]) -> None:
        least(secret, event)
        if event["Step"] == "setSecret":
            getattr(secret.client, by)(SecretId=secret.name, SecretString="by hand")

    secret = new_rotating(interrupted)
    secret.rotate(ClientRequestToken=TOKEN)
    assert secret.steps == ["createSecret", "setSecret"]
    assert (secret.value, TOKEN in secret.stages) == ("by hand", False)
    assert secret.events == ["RotationStarted", "RotationAbandoned"]


@pytest.mark.parametrize("stages", [["SIDECARLEASE"], ["mine", "other"]])
def test_a_put_with_other_labels_abandons_nothing(
    new_rotating: Any, least: Any, stages: list[str]
) -> None:
    def marks(secret: Any, event: dict[str, Any]) -> None:
        put = {"SecretString": event["Step"], "VersionStages": stages}
        secret.client.put_secret_value(SecretId=secret.name, **put)
        least(secret, event)

    secret = new_rotating(marks)
    secret.rotate(ClientRequestToken=TOKEN)
    assert secret.value == f"value for {TOKEN}"
    assert list(secret.stages.values()).count(sorted(stages)) == 1
    assert secret.events == ["RotationStarted", "RotationSucceeded"]


def test_a_stuck_rotation_is_freed_by_taking_its_label_away(new_rotating: Any, least: Any) -> None:
    healed: list[bool] = []

    def sometimes(secret: Any, event: dict[str, Any]) -> None:
        if not healed:
            raise RuntimeError("not healed yet")
        least(secret, event)

    secret = new_rotating(sometimes)
    secret.rotate(ClientRequestToken=TOKEN)
    healed.append(True)
    take = {"VersionStage": "AWSPENDING", "RemoveFromVersionId": TOKEN}
    secret.client.update_secret_version_stage(SecretId=secret.name, **take)
    assert secret.rotate()["VersionId"] != TOKEN
    assert secret.events[-1] == "RotationSucceeded"


def test_a_function_that_puts_the_current_version_at_once_has_rotated(new_rotating: Any) -> None:
    def puts(secret: Any, event: dict[str, Any]) -> None:
        put = {"SecretString": "at once", "ClientRequestToken": event["ClientRequestToken"]}
        secret.client.put_secret_value(SecretId=secret.name, **put)

    secret = new_rotating(puts)
    secret.rotate(ClientRequestToken=TOKEN)
    assert secret.events == ["RotationStarted", "RotationSucceeded"]
    assert (secret.value, secret.stages[TOKEN]) == ("at once", ["AWSCURRENT"])


def test_filling_the_pending_version_keeps_its_date_and_its_other_labels(
    new_rotating: Any, emulator: Emulator
) -> None:
    dates: list[object] = []

    def date(secret: Any) -> object:
        listed = secret.client.list_secret_version_ids(SecretId=secret.name)["Versions"]
        return next(each["CreatedDate"] for each in listed if each["VersionId"] == TOKEN)

    def fills(secret: Any, event: dict[str, Any]) -> None:
        if event["Step"] != "createSecret":
            return
        dates.append(date(secret))
        label = {"VersionStage": "mine", "MoveToVersionId": TOKEN}
        secret.client.update_secret_version_stage(SecretId=secret.name, **label)
        emulator.move_clock(3600)
        secret.put(TOKEN, "value")
        dates.append(date(secret))

    secret = new_rotating(fills)
    secret.rotate(ClientRequestToken=TOKEN)
    assert dates[0] == dates[1]
    assert secret.stages[TOKEN] == ["AWSPENDING", "mine"]


def test_of_many_who_move_a_label_from_one_version_one_succeeds(
    new_rotating: Any, connect: Connect, meeting: Any
) -> None:
    secret, tokens = new_rotating(), [f"holder-{at}-".ljust(32, "0") for at in range(5)]
    first, *others = tokens
    for token in tokens:
        put = {"ClientRequestToken": token, "VersionStages": [f"of-{token}"]}
        secret.client.put_secret_value(SecretId=secret.name, SecretString=token, **put)
    move = {"SecretId": secret.name, "VersionStage": "SIDECARLEASE"}
    secret.client.update_secret_version_stage(**move, MoveToVersionId=first)

    met = meeting(SecretsManagerBackend, "update_secret_version_stage")

    def take(token: str) -> bool:
        client = connect("secretsmanager")
        try:
            ends = {"MoveToVersionId": token, "RemoveFromVersionId": first}
            client.update_secret_version_stage(**move, **ends)
        except client.exceptions.InvalidParameterException:
            return False
        return True

    with ThreadPoolExecutor(len(others)) as threads:
        assert list(threads.map(take, others)).count(True) == 1
    assert met == []
