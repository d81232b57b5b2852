"""What AWS would refuse is refused before, all of it at once, by the name of the field."""

from dataclasses import replace
from typing import Any

import pytest

from sidecar.errors import ConfigError
from sidecar.provision.description import resources
from sidecar.provision.wish import OwnAuthority, PrivateAuthority, Reach, Rotation, Wish
from sidecar.provision.wish_checks import breaches
from tests.provision.wishes import BUNDLE, CHAT, FULL, REVOKED, ROTATION

# A policy that names an alias lets nobody use the key behind it.
ALIAS = "arn:aws:kms:eu-central-1:123456789012:alias/models"


def _wrong(wish: Wish) -> list[str]:
    return [str(each) for each in breaches(wish)]


def _rotating(**changes: Any) -> Wish:
    return replace(FULL, rotation=replace(ROTATION, **changes))


def _reaching(**changes: Any) -> Wish:
    return replace(FULL, reach=Reach(**changes))


def _sessions(**changes: Any) -> Wish:
    return replace(FULL, sessions=replace(FULL.sessions, **changes))


def _policy(**changes: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{**statement, **changes}]}


def _chat(**changes: Any) -> Wish:
    assert FULL.events is not None
    return replace(FULL, events=replace(FULL.events, chat=replace(CHAT, **changes)))


def test_a_wish_that_can_be_met_has_no_breach() -> None:
    assert _wrong(FULL) == []


@pytest.mark.parametrize(
    ("wish", "where"),
    [
        (replace(FULL, name="Upper"), "name"),
        (replace(FULL, name="a" * 25), "name"),
        (replace(FULL, authority=OwnAuthority(bundle="hello")), "authority.bundle"),
        (replace(FULL, authority=PrivateAuthority(common_name="")), "authority.common_name"),
        (replace(FULL, authority=PrivateAuthority(years=0)), "authority.years"),
        (replace(FULL, revocation_list=BUNDLE), "revocation_list"),
        (_sessions(duration_seconds=899), "sessions.duration_seconds"),
        (replace(FULL, authority=OwnAuthority(bundle=BUNDLE * 4000)), "authority.bundle"),
        (replace(FULL, revocation_list=REVOKED * 6000), "revocation_list"),
        (_sessions(policy="[]"), "sessions.policy"),
        (_sessions(policy='{"Statement": 5}'), "sessions.policy"),
        (_sessions(common_names=("*",)), "sessions.common_names"),
        (_sessions(source_identities=("a b",)), "sessions.source_identities"),
        (_reaching(secrets=("arn:aws:x",)), "reach.secrets"),
        (_reaching(buckets=("A",)), "reach.buckets"),
        (_reaching(functions=("a:b",)), "reach.functions"),
        (_reaching(kms_keys=("*",)), "reach.kms_keys"),
        (_rotating(user_name="a/b"), "rotation.user_name"),
        (_rotating(secret_name="a*"), "rotation.secret_name"),
        (_rotating(grace_hours=0), "rotation.grace_hours"),
        (_reaching(kms_keys=(ALIAS,)), "reach.kms_keys"),
        (_rotating(user_policy={}), "rotation.user_policy"),
        (_rotating(user_policy=_policy(Condition=None)), "rotation.user_policy"),
        (
            _rotating(user_policy=_policy(Condition={"NumericEquals": {"a": 1.5}})),
            "rotation.user_policy",
        ),
        (_rotating(user_policy=_policy(Effect="Perhaps")), "rotation.user_policy"),
        (_rotating(schedule="rate(2 minutes)"), "rotation.schedule"),
        (_rotating(schedule="cron(0 2 ? * SUN#1 *)", duration="30h"), "rotation.duration"),
        (_rotating(schedule="rate(1 day)"), "rotation.schedule"),
        (_chat(workspace_id="t-1"), "events.chat.workspace_id"),
        (_chat(channel_id="#general"), "events.chat.channel_id"),
    ],
)
def test_what_cannot_work_is_named(wish: Wish, where: str) -> None:
    assert [each.split(": ")[0] for each in _wrong(wish)] == [where]


def test_a_schedule_is_refused_with_the_reason_and_its_text() -> None:
    (said,) = _wrong(_rotating(schedule="rate(2 minutes)"))
    assert "rate(2 minutes)" in said


def test_a_rotation_before_the_last_key_is_gone_is_refused() -> None:
    (said,) = _wrong(_rotating(schedule="rate(8 days)"))
    assert "a user has no third key" in said
    assert _wrong(_rotating(schedule="rate(9 days)")) == []


def test_a_private_key_in_the_place_of_a_certificate_is_refused_and_not_shown() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nsecretbytes\n-----END PRIVATE KEY-----\n"
    (said,) = _wrong(replace(FULL, authority=OwnAuthority(bundle=BUNDLE + key)))
    assert "private key" in said
    assert "secretbytes" not in said


def test_more_than_a_session_policy_can_hold_is_refused() -> None:
    (said,) = _wrong(_reaching(secrets=tuple(f"prod/web/{n}" for n in range(40))))
    assert said.startswith("sessions.policy: has some ")
    assert _wrong(_reaching(secrets=tuple(f"prod/web/{n}" for n in range(10)))) == []


def test_everything_wrong_is_told_at_once() -> None:
    wish = replace(FULL, name="", rotation=Rotation(user_name="", secret_name=""))
    with pytest.raises(ConfigError) as caught:
        resources(wish)
    places = [each.where for each in caught.value.problems]
    assert places == ["name", "rotation.user_name", "rotation.secret_name"]


def test_a_condition_of_texts_numbers_and_truth_values_is_taken() -> None:
    condition = {"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"s3:max-keys": [10]}}
    assert _wrong(_rotating(user_policy=_policy(Condition=condition))) == []


def test_a_list_of_the_revoked_is_taken() -> None:
    assert _wrong(replace(FULL, revocation_list=REVOKED)) == []
