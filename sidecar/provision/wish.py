"""What somebody may choose about what is to exist in AWS; everything else follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# What a CloudFormation parameter holds at the most; longer text stands in the template itself.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LONGEST_PARAMETER: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAuthority:
    """A certificate authority that is kept outside AWS.

    Attributes:
        bundle: its certificate in PEM; with several, sessions are given under each of them.

    """

    bundle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateAuthority:
    """A root of AWS Private CA.

    Attributes:
        common_name: of its certificate's subject.
        organization: likewise.
        years: how long its certificate counts.
        short_lived: whether it issues certificates of seven days at the most, which costs less.

    """

    common_name: str = "Sidecar CA"
    organization: str = "Sidecar"
    years: int = 10
    short_lived: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Who gets sessions, and for how long.

    Attributes:
        duration_seconds: of a session, 900 to 43200.
        policy: the JSON of a session policy; None for one that gives what the role's policy gives,
            so that a role that is widened later widens no session.
        common_names: certificates with one of these only; none for every one of the authority.
        source_identities: sessions with one of these only, such as ``CN=web-1``; may hold ``*``.

    """

    duration_seconds: int = 3600
    policy: str | None = None
    common_names: tuple[str, ...] = ()
    source_identities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What sessions may do.

    Attributes:
        secrets: names of secrets to read; ``*`` stands for any run of characters.
        list_buckets: whether they may list the account's buckets.
        buckets: names of buckets whose objects they may read.
        kms_keys: ARNs of keys that they may decrypt with.
        functions: names of Lambda functions that they may invoke.

    """

    secrets: tuple[str, ...] = ()
    list_buckets: bool = False
    buckets: tuple[str, ...] = ()
    kms_keys: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """An IAM user whose access key is kept in a secret and rotated there by a Lambda function.

    Attributes:
        user_name: the user, who is there for this secret only.
        secret_name: the secret.
        schedule: when, in the grammar of Secrets Manager.
        duration: how long a window is open, such as ``3h``; None for AWS's default.
        grace_hours: how long the previous key stays active.
        recovery_hours: how long it is then kept, deactivated.
        code_bucket: where the zip of ``make lambda`` is.
        code_key: likewise.
        user_policy: what the user may do; None for nothing, which others may attach.

    """

    user_name: str
    secret_name: str
    schedule: str = "rate(30 days)"
    duration: str | None = None
    grace_hours: int = 24
    recovery_hours: int = 168
    code_bucket: str = ""
    code_key: str = "rotation-lambda.zip"
    user_policy: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A Slack channel that is told.

    Attributes:
        workspace_id: of the Slack workspace that the account was once connected with by hand.
        channel_id: the channel.

    """

    workspace_id: str
    channel_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Who is told what happened.

    Attributes:
        trail: whether a trail of CloudTrail is made; without one in the account nothing is told.
        queue: whether a queue is made, from which one sidecar learns of changes.
        chat: the channel that is told; None for none.
        alarms: whether alarms watch the functions and the rules.

    """

    trail: bool = True
    queue: bool = True
    chat: Chat | None = None
    alarms: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """All that may be chosen.

    Attributes:
        name: what the names of what is made begin with.
        authority: whose certificates count.
        revocation_list: a list in PEM of certificates that do not; None for none.
        sessions: who gets sessions.
        reach: what they may do.
        rotation: the access key that is rotated; None for none.
        events: who is told; None for nobody.

    """

    authority: OwnAuthority | PrivateAuthority
    name: str = "sidecar"
    revocation_list: str | None = None
    sessions: Sessions = Sessions()
    reach: Reach = field(default_factory=Reach)
    rotation: Rotation | None = None
    events: Events | None = None
