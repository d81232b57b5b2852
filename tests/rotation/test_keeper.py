"""A user's key is rotated, retired, restored and adopted over a real socket."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from sidecar.errors import UpstreamRefused
from sidecar.redaction import Secret
from sidecar.rotation.action import CreateKey
from sidecar.rotation.calls import NewKey
from sidecar.rotation.goal import Retirement, Target
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.stuck import RotationNotYet, RotationStuck
from tests.rotation.conftest import SHORT, Legacy

New = Callable[..., Legacy]
LONG = Retirement(grace=timedelta(hours=24))


def test_the_first_rotation_makes_a_key(legacy: New) -> None:
    batch = legacy()
    version = batch.keeper.rotate()
    assert batch.keys() == {batch.named_by("AWSCURRENT"): "Active"}
    current = batch.manager.get_secret_value(SecretId=batch.arn, VersionStage="AWSCURRENT")
    assert (current["VersionId"], '"note": "kept"' in current["SecretString"]) == (version, True)


def test_the_next_one_leaves_the_old_key_alive(legacy: New) -> None:
    batch = legacy(LONG)
    batch.keeper.rotate()
    old = batch.named_by("AWSCURRENT")
    batch.keeper.rotate()
    assert batch.named_by("AWSPREVIOUS") == old
    assert batch.keys() == {batch.named_by("AWSCURRENT"): "Active", old: "Active"}


def test_a_third_one_within_the_grace_is_refused_and_changes_nothing(legacy: New) -> None:
    batch = legacy(LONG)
    batch.keeper.rotate()
    batch.keeper.rotate()
    before = batch.keys()
    with pytest.raises(RotationNotYet, match="in its grace until") as refused:
        batch.keeper.rotate()
    assert "--force" in refused.value.hint
    assert batch.keys() == before


def test_force_gives_the_previous_key_up(legacy: New) -> None:
    batch = legacy(LONG)
    batch.keeper.rotate()
    first = batch.named_by("AWSCURRENT")
    batch.keeper.rotate()
    batch.keeper.forced().rotate()
    assert first not in set(batch.keys())
    assert len(batch.keys()) == 2


def test_the_reaper_retires_the_previous_key_and_never_the_current_one(legacy: New) -> None:
    batch = legacy(LONG)
    batch.keeper.rotate()
    batch.keeper.rotate()
    later = replace(batch.keeper, retirement=SHORT)
    assert [each.split()[0] for each in later.reap().done] == ["made", "deleted"]
    assert batch.keys() == {batch.named_by("AWSCURRENT"): "Active"}
    assert later.reap().done == ()


def test_within_the_grace_the_reaper_only_notes_when_it_began(legacy: New) -> None:
    batch = legacy(LONG)
    batch.keeper.rotate()
    batch.keeper.rotate()
    described = batch.manager.describe_secret(SecretId=batch.arn)
    assert "sidecar:replaced-key" in [each["Key"] for each in described["Tags"]]
    assert batch.keeper.reap().done == ()
    assert set(batch.keys().values()) == {"Active"}


def test_restoring_brings_the_old_key_back_even_when_it_is_inactive(legacy: New) -> None:
    batch = legacy(replace(LONG, grace=timedelta(0)))
    batch.keeper.rotate()
    old = batch.named_by("AWSCURRENT")
    batch.keeper.rotate()
    batch.keeper.reap()
    assert batch.keys()[old] == "Inactive"
    batch.keeper.restore()
    assert (batch.named_by("AWSCURRENT"), batch.keys()[old]) == (old, "Active")


def test_there_is_nothing_to_restore_once_the_old_key_is_deleted(legacy: New) -> None:
    batch = legacy()
    batch.keeper.rotate()
    with pytest.raises(RotationStuck, match="no previous key") as refused:
        batch.keeper.restore()
    assert "there is none yet, or it was deleted" in refused.value.hint


def test_a_user_s_own_key_is_adopted_and_rotated_from_then_on(legacy: New) -> None:
    batch = legacy(LONG)
    made = batch.iam.create_access_key(UserName=batch.user)["AccessKey"]
    key = NewKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))
    with pytest.raises(RotationStuck, match="no version of the secret names"):
        batch.keeper.rotate()
    batch.keeper.adopt(key)
    assert batch.named_by("AWSCURRENT") == key.access_key_id
    batch.keeper.rotate()
    assert batch.named_by("AWSPREVIOUS") == key.access_key_id
    assert len(batch.keys()) == 2


def test_with_two_keys_nothing_is_adopted(legacy: New) -> None:
    batch = legacy()
    made = [batch.iam.create_access_key(UserName=batch.user)["AccessKey"] for _ in range(2)]
    key = NewKey(made[0]["AccessKeyId"], Secret(made[0]["SecretAccessKey"]))
    with pytest.raises(RotationStuck, match="nobody can know which is in use"):
        batch.keeper.adopt(key)
    with pytest.raises(RotationStuck, match="no version of the secret names"):
        batch.keeper.rotate()
    assert set(batch.keys().values()) == {"Active"}


def test_a_key_that_does_not_work_is_not_adopted(legacy: New) -> None:
    batch = legacy()
    made = batch.iam.create_access_key(UserName=batch.user)["AccessKey"]
    no_time = replace(batch.keeper, sleep=lambda _: None, now=_fast_clock(batch.keeper))
    with pytest.raises(RotationNotYet, match="does not work yet"):
        no_time.adopt(NewKey(made["AccessKeyId"], Secret("x" * 40)))
    assert batch.named_by("AWSCURRENT") is None


def test_the_user_that_the_secret_names_must_be_the_configured_one(legacy: New) -> None:
    batch, other = legacy(), legacy()
    wrong = replace(batch.keeper, target=Target(batch.arn, other.user))
    with pytest.raises(RotationStuck, match=f"names user '{batch.user}'"):
        wrong.rotate()
    assert other.keys() == {}


def test_a_user_or_a_secret_that_is_gone_is_told(legacy: New) -> None:
    batch = legacy()
    batch.iam.delete_user(UserName=batch.user)
    with pytest.raises(RotationStuck, match=f"there is no IAM user {batch.user}"):
        batch.keeper.rotate()
    batch.manager.delete_secret(SecretId=batch.arn)
    with pytest.raises(RotationStuck, match="being deleted"):
        batch.keeper.rotate()
    batch.manager.delete_secret(SecretId=batch.arn, ForceDeleteWithoutRecovery=True)
    with pytest.raises(RotationStuck, match="there is no secret"):
        batch.keeper.rotate()


def test_a_value_that_is_no_key_s_is_told_and_not_quoted(legacy: New) -> None:
    batch = legacy()
    batch.manager.put_secret_value(SecretId=batch.arn, SecretString="canary")
    with pytest.raises(RotationStuck, match="is not JSON") as refused:
        batch.keeper.rotate()
    assert "canary" not in refused.value.message + refused.value.hint


def test_another_s_lease_is_respected(legacy: New) -> None:
    batch = legacy()
    with batch.keeper._lease(), pytest.raises(RotationNotYet, match="taken by this test since"):
        replace(batch.keeper, holder="another").rotate()
    batch.keeper.rotate()


def test_a_call_that_is_denied_names_its_permission(legacy: New, aws: object) -> None:
    batch = legacy()
    assert isinstance(batch.keeper.first_action(), CreateKey)
    with pytest.raises(UpstreamRefused, match="iam:GetAccessKeyLastUsed was refused"):
        batch.keeper.calls.last_use("AKIANOSUCHKEY0000000")


def _fast_clock(keeper: Keeper) -> Callable[[], datetime]:
    """Let a minute pass with each look at the clock."""
    started, minutes = keeper.now(), count()
    return lambda: started + timedelta(minutes=next(minutes) / 4)


def test_what_is_edited_by_hand_after_a_rotation_is_not_undone_by_the_next(legacy: New) -> None:
    batch = legacy()
    rotated = batch.keeper.rotate()
    current = batch.manager.get_secret_value(SecretId=batch.arn, VersionStage="AWSCURRENT")
    edited = current["SecretString"].replace("kept", "edited")
    batch.manager.put_secret_value(SecretId=batch.arn, SecretString=edited)
    assert batch.keeper.rotate() != rotated
    latest = batch.manager.get_secret_value(SecretId=batch.arn, VersionStage="AWSCURRENT")
    assert "edited" in latest["SecretString"]
    assert batch.named_by("AWSCURRENT") in set(batch.keys())
    described = batch.manager.describe_secret(SecretId=batch.arn)
    assert "AWSPENDING" not in str(described["VersionIdsToStages"])


def test_the_key_that_a_restore_replaces_has_its_whole_grace(legacy: New) -> None:
    batch = legacy(LONG)
    batch.keeper.rotate()
    batch.keeper.rotate()
    replaced = batch.named_by("AWSCURRENT")
    batch.keeper.restore()
    with pytest.raises(RotationNotYet, match="in its grace until"):
        batch.keeper.rotate()
    assert batch.keys()[replaced] == "Active"
