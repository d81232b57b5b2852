"""A whole stack at the emulator, calls that die, and a list of all that an account holds."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from sidecar.aws.administrator import AdministratorCalls
from sidecar.emulator.server import Emulator
from sidecar.errors import UpstreamError
from sidecar.provision.account import Account, Calls, Leave, open_account
from sidecar.provision.applying import apply, destroy, doomed
from sidecar.provision.description import parameter_values, resources
from sidecar.provision.looking import Look
from sidecar.provision.planning import Step
from sidecar.provision.resource import Resource
from sidecar.provision.wish import Events, OwnAuthority, Reach, Rotation, Wish

READING: Final = ("get_", "list_", "describe_")
# What names everything in the account of one of these kinds.
_LISTINGS: Final = (
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_users", "Users", "UserName"),
    ("rolesanywhere", "list_trust_anchors", "trustAnchors", "name"),
    ("rolesanywhere", "list_profiles", "profiles", "name"),
    ("rolesanywhere", "list_crls", "crls", "name"),
    ("secretsmanager", "list_secrets", "SecretList", "Name"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("events", "list_rules", "Rules", "Name"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", ""),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("cloudtrail", "list_trails", "Trails", "Name"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("acm-pca", "list_certificate_authorities", "CertificateAuthorities", "Arn"),
)

_QUICK: Final = """
def handler(event, context):
    if event["Step"] not in ("createSecret", "finishSecret"):
        return
    import boto3
    client = boto3.client("secretsmanager")
    secret, token = event["SecretId"], event["ClientRequestToken"]
    held = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    current = next(each for each in held if "AWSCURRENT" in held[each])
    if event["Step"] == "createSecret":
        client.put_secret_value(
            SecretId=secret, ClientRequestToken=token, SecretString=token,
            VersionStages=["AWSPENDING"],
        )
    else:
        client.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token,
            RemoveFromVersionId=current,
        )
"""


class Died(Exception):
    """The process is gone, in the middle of its work."""


@dataclass
class Mortal:
    """Calls that die after a change that was never made before.

    A service that was not changed answers as it did before: then it is not asked again, since a run
    that goes on from the top after each death would ask most things of AWS fifty times.
    """

    calls: Calls
    made: set[str] = field(default_factory=set)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ask(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        call = partial(self.calls.ask, service, operation, **arguments)
        change = f"{service} {operation} {arguments}"
        if operation.startswith(READING):
            reply: Mapping[str, Any] = self._answer(service, change, call)
            return reply
        self.answers.pop(service, None)
        reply = call()
        if change not in self.made:
            self.made.add(change)
            raise Died(change)
        return reply

    def listed(self, service: str, operation: str, member: str, **arguments: Any) -> list[Any]:
        call = partial(self.calls.listed, service, operation, member, **arguments)
        listed: list[Any] = self._answer(service, f"{operation} {member} {arguments}", call)
        return listed

    def _answer(self, service: str, question: str, call: Callable[[], Any]) -> Any:
        held = self.answers.setdefault(service, {})
        if question not in held:
            try:
                held[question] = call()
            except UpstreamError as exc:
                held[question] = exc
        if isinstance(held[question], UpstreamError):
            raise held[question]
        return held[question]


@dataclass(frozen=True)
class Stack:
    """A description and the account that it is made in."""

    account: Account
    resources: tuple[Resource, ...]
    parameters: Mapping[str, str | int]

    def look(self) -> Look:
        return Look(self.account, self.resources, self.parameters)

    def plan(self) -> list[Step]:
        return list(self.look().steps())

    def apply(self) -> list[Step]:
        steps: list[Step] = []
        apply(self.look(), steps.append)
        return steps

    def destroy(self) -> None:
        destroy(self.account, doomed(self.look()))

    def inventory(self) -> list[str]:
        """Name everything of this stack, as often as it is there; its own name is left out."""
        own = self.account.stack
        return [each.replace(own, "STACK") for each in inventory(self.account.calls) if own in each]

    def changed(self, **account: Any) -> "Stack":
        return replace(self, account=replace(self.account, **account))


def inventory(calls: Calls) -> list[str]:
    """Name everything that is in an account."""
    return sorted(
        f"{service} {each[name] if name else each}"
        for service, operation, member, name in _LISTINGS
        for each in calls.listed(service, operation, member)
    )


def full_wish(name: str, bundle: str, revoked: str | None = None) -> Wish:
    """Wish for everything that an emulator can have."""
    rotation = Rotation(user_name=f"{name}-user", secret_name=f"{name}/key", code_bucket="unused")
    return Wish(
        name=name,
        authority=OwnAuthority(bundle=bundle),
        revocation_list=revoked,
        reach=Reach(list_buckets=True),
        rotation=rotation,
        events=Events(),
    )


def stack_of(wish: Wish, calls: Calls, region: str, zipped: bytes) -> Stack:
    """Give the stack of a wish; nothing of it is made yet. It never waits long."""
    account = open_account(calls, wish.name, region, zipped)
    everything = replace(
        account, sleep=lambda _: None, may_delete=Leave(secrets_at_once=True, objects=True)
    )
    return Stack(everything, resources(wish), parameter_values(wish))


def lazy_zip(text: str = "def handler(event, context): raise SystemExit(1)") -> bytes:
    """Make the code of a function that does nothing."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in ("sidecar/__init__.py", "sidecar/rotation/__init__.py"):
            archive.writestr(zipfile.ZipInfo(path), "")
        archive.writestr(zipfile.ZipInfo("sidecar/rotation/lambda_handler.py"), text)
    return packed.getvalue()


def quick_zip() -> bytes:
    """Make the code of a function that rotates by putting another text."""
    return lazy_zip(_QUICK)


def until_done(work: Callable[[], object]) -> int:
    """Do it again until it does not die any more, and say how often it died."""
    deaths = 0
    while True:
        try:
            work()
        except Died:
            deaths += 1
            continue
        return deaths


@contextmanager
def administrator_of(emulator: Emulator) -> Iterator[AdministratorCalls]:
    """Give calls with the ambient credentials of an emulator's administrator."""
    import pytest  # noqa: PLC0415 - for its patching alone

    administrator = emulator.administrator
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", administrator.access_key_id)
        patch.setenv("AWS_SECRET_ACCESS_KEY", administrator.secret_access_key.reveal())
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        calls = AdministratorCalls(emulator.region, emulator.url)
        yield calls
