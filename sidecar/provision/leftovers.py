"""What has a stack's tag and is described no longer: it stays until somebody has it removed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sidecar.errors import UpstreamRefused
from sidecar.provision.account import TAG, Account
from sidecar.provision.applying import Doomed, refuse_kept
from sidecar.provision.description import parameter_values, resources
from sidecar.provision.looking import Look
from sidecar.provision.resource import Resource
from sidecar.provision.wish import (
    Chat,
    Events,
    OwnAuthority,
    PrivateAuthority,
    Reach,
    Rotation,
    Sessions,
    Wish,
)

_USER: Final = "AWS::IAM::User"
_SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
_SCHEDULE: Final = "AWS::SecretsManager::RotationSchedule"
# Whose names are chosen by flags: those of before are known by the tag alone.
_BY_TAG: Final = frozenset({_USER, _SECRET, _SCHEDULE})
_CHANNEL: Final = "AWS::Chatbot::SlackChannelConfiguration"
_SOME_LIST: Final = "-----BEGIN X509 CRL-----"
_SOME_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What a description no longer wants.

    Attributes:
        things: what is there, the last made first.
        unseen: types that AWS did not let us look for.

    """

    things: tuple[Doomed, ...]
    unseen: tuple[str, ...] = ()

    def refuse_kept(self) -> None:
        """Raise OperatorError where something may not be deleted."""
        for _, found, _ in self.things:
            refuse_kept(found)


def left_over(account: Account, wish: Wish) -> LeftOver:
    """Look for what other wishes than this one would have made under the stack's names and tag.

    What lacks the tag is somebody else's and passed over, with all that belongs to it.

    Raises:
        UpstreamError: AWS did not answer.

    """
    everything = _everything(wish)
    described = resources(everything)
    wanted = {each.logical_id for each in resources(wish)}
    things, unseen = list[Doomed](), list[str]()
    look = Look(account, described, parameter_values(everything))
    gone = [r for r in look.resources if r.logical_id not in wanted and r.type not in _BY_TAG]
    for each in (*_by_tag(account, wish, unseen), *gone):
        _add(look, each, things, unseen)
    for each in _schedules(things):
        _add(look, each, things, unseen)
    kept = (_kept_with_its_keys(each, things, wish) for each in reversed(things))
    return LeftOver(tuple(kept), tuple(dict.fromkeys(unseen)))


def _kept_with_its_keys(one: Doomed, things: Sequence[Doomed], wish: Wish) -> Doomed:
    """Keep a user of before who has keys: where the secret stays, it may still hold one of them."""
    wanted, found, kind = one
    secret_goes = any(each.type == _SECRET for each, _, _ in things)
    if wanted.type != _USER or wish.rotation is None or secret_goes or not found.also_lost:
        return one
    message = f"secret {wish.rotation.secret_name} may still hold a key of user {found.ref}"
    hint = "name another --rotate-secret too, or delete the user's keys once nobody uses them"
    return wanted, replace(found, kept_by=(message, hint)), kind


def _add(look: Look, resource: Resource, things: list[Doomed], unseen: list[str]) -> None:
    # No channel is made without its role, and only few endpoints know channels.
    if resource.type == _CHANNEL and "ChatRole" not in look.found:
        return
    try:
        wanted, found, kind = look.at(resource)
    except UpstreamRefused:
        unseen.append(resource.type)
        return
    if found is not None and found.ours:
        things.append((wanted, found, kind))
    else:
        look.found.pop(resource.logical_id, None)


def _everything(wish: Wish) -> Wish:
    """Wish for all that can be switched on; what sessions may do is no switch, and left out."""
    own = isinstance(wish.authority, OwnAuthority)
    chat = wish.events.chat if wish.events is not None else None
    return replace(
        wish,
        authority=PrivateAuthority() if own else OwnAuthority(bundle=_SOME_CERTIFICATE),
        revocation_list=_SOME_LIST,
        sessions=Sessions(),
        reach=Reach(),
        rotation=wish.rotation or Rotation(user_name="nobody", secret_name="nothing"),  # noqa: S106
        events=Events(chat=chat or Chat(workspace_id="T0", channel_id="C0")),
    )


def _by_tag(account: Account, wish: Wish, unseen: list[str]) -> Iterator[Resource]:
    """Give users and secrets of the stack that have other names than those of the wish."""
    rotation = wish.rotation
    named = () if rotation is None else (rotation.user_name, rotation.secret_name)
    for logical_id, kind, name_of, look in (
        ("RotatedUser", _USER, "UserName", _users),
        ("RotatedSecret", _SECRET, "Name", _secrets),
    ):
        try:
            names = look(account)
        except UpstreamRefused:
            unseen.append(kind)
            continue
        for name in names:
            if name not in named:
                yield Resource(logical_id, kind, {name_of: name})


def _users(account: Account) -> list[str]:
    """Name the stack's users; no other call tells the tags of all."""
    listed = account.calls.listed(
        "iam", "get_account_authorization_details", "UserDetailList", Filter=["User"]
    )
    return [each["UserName"] for each in listed if account.owns(each.get("Tags", ()))]


def _secrets(account: Account) -> list[str]:
    filters = [
        {"Key": "tag-key", "Values": [TAG]},
        {"Key": "tag-value", "Values": [account.mark]},
    ]
    listed = account.calls.listed("secretsmanager", "list_secrets", "SecretList", Filters=filters)
    return [each["Name"] for each in listed if account.owns(each.get("Tags", ()))]


def _schedules(things: Sequence[Doomed]) -> list[Resource]:
    """Give the schedules of secrets that were found: a rotation under way is cancelled by them."""
    return [
        Resource("RotationSchedule", _SCHEDULE, {"SecretId": found.ref})
        for wanted, found, _ in things
        if wanted.type == _SECRET
    ]
