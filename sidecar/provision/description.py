"""All that is to exist in AWS for a wish, in an order in which it can be made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sidecar.errors import ConfigError
from sidecar.provision.events_part import event_resources
from sidecar.provision.resource import Attribute, Ref, Resource, Value
from sidecar.provision.rotation_part import rotation_resources
from sidecar.provision.sessions_part import parameter_or_text, session_resources
from sidecar.provision.telling_part import telling_resources
from sidecar.provision.wish import OwnAuthority, Wish
from sidecar.provision.wish_checks import breaches

# Resources that are left out where a parameter that they need is empty: the condition's name, and
# the parameters of each condition.
CONDITIONAL: Final = {
    "RevocationList": "RevocationListGiven",
    "ChatRole": "ChatGiven",
    "ChatChannel": "ChatGiven",
}
CONDITIONS: Final = {
    "RevocationListGiven": ("RevocationListPem",),
    "ChatGiven": ("SlackWorkspaceId", "SlackChannelId"),
}


@dataclass(frozen=True, slots=True)
class Output:
    """A value that is known once all is there, which somebody needs then.

    Attributes:
        says: what it is.
        value: the reference to it.

    """

    says: str
    value: Value


def resources(wish: Wish) -> tuple[Resource, ...]:
    """Describe everything, each thing after those that it refers to or depends on.

    Raises:
        ConfigError: something that AWS would refuse or that would not work; all of it is named.

    """
    if problems := list(breaches(wish)):
        raise ConfigError(problems)
    return tuple(_resources(wish))


def parameter_values(wish: Wish) -> Mapping[str, str | int]:
    """Give the value of every parameter that the resources of this wish name."""
    found: dict[str, str | int] = {"Name": wish.name}
    if isinstance(wish.authority, OwnAuthority):
        found |= _short("CaBundle", wish.authority.bundle)
    if wish.revocation_list is not None:
        found |= _short("RevocationListPem", wish.revocation_list)
    if wish.rotation is not None:
        found |= {
            "UserName": wish.rotation.user_name,
            "SecretName": wish.rotation.secret_name,
            "ScheduleExpression": wish.rotation.schedule,
            "GraceHours": wish.rotation.grace_hours,
            "RecoveryHours": wish.rotation.recovery_hours,
            "CodeBucket": wish.rotation.code_bucket,
            "CodeKey": wish.rotation.code_key,
        }
    if wish.events is not None and wish.events.chat is not None:
        found["SlackWorkspaceId"] = wish.events.chat.workspace_id
        found["SlackChannelId"] = wish.events.chat.channel_id
    return found


def outputs(wish: Wish) -> Mapping[str, Output]:
    """Say what the sidecar's configuration, and whoever issues certificates, needs of all this."""
    found = {
        "TrustAnchorArn": Output("The trust anchor", Attribute("TrustAnchor", "TrustAnchorArn")),
        "ProfileArn": Output("The profile", Attribute("Profile", "ProfileArn")),
        "RoleArn": Output("The role of sessions", Attribute("WorkloadRole", "Arn")),
    }
    if not isinstance(wish.authority, OwnAuthority):
        found["AuthorityArn"] = Output("The private CA", Attribute("Authority", "Arn"))
    if wish.rotation is not None:
        found["SecretArn"] = Output("The secret with the access key", Ref("RotatedSecret"))
    if wish.events is not None:
        found["TopicArn"] = Output("The topic that tells what happened", Ref("Topic"))
    if wish.events is not None and wish.events.queue:
        found["QueueUrl"] = Output("The queue of changes", Ref("ChangeQueue"))
    return found


def _resources(wish: Wish) -> Iterator[Resource]:
    rotated = wish.rotation is not None
    # Sessions may read the rotated secret and take messages: both are there before the role.
    if wish.rotation is not None:
        yield from rotation_resources(wish.rotation)
    if wish.events is not None:
        yield from event_resources(wish.events, rotated=rotated)
        yield from telling_resources(wish.events, rotated=rotated)
    yield from session_resources(wish)


def _short(name: str, text: str) -> Mapping[str, str]:
    return {} if isinstance(parameter_or_text(name, text), str) else {name: text}
