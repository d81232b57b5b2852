"""The calls of a rotation, made through boto3 with the answers turned into what decisions use."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from sidecar.access_key_secret import AccessKeySecret
from sidecar.aws.failed_calls import failed
from sidecar.aws.key_clients import KeyClients
from sidecar.errors import UpstreamError, UpstreamRefused
from sidecar.redaction import Secret, masked_tail
from sidecar.rotation.calls import NewKey
from sidecar.rotation.seen import LastUse, SecretFacts, StoredKey, UserKey

_Result = TypeVar("_Result")

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
# AWS's words where the role's own policies would have allowed it (IAM user guide, "Troubleshoot
# access denied error messages").
_BY_SESSION_POLICY: Final = "no session policy allows"
_ABSENT: Final = "ResourceNotFoundException"
_GONE: Final = "NoSuchEntity"
_MANAGER: Final = "secretsmanager"
_IAM: Final = "iam"


class AwsCalls:
    """AWS as `sidecar.rotation.calls.Calls` describes it.

    Args:
        clients: makes the clients.
        now: tells the moment.
        rotation_token: what Secrets Manager gave with the event, to be echoed with a put.

    """

    def __init__(
        self,
        clients: KeyClients,
        now: Callable[[], datetime],
        rotation_token: Secret | None = None,
    ) -> None:
        self._clients = clients
        self._now = now
        self._rotation_token = rotation_token

    def describe(self, secret: str) -> SecretFacts:
        """DescribeSecret."""
        reply = self._manager("DescribeSecret", SecretId=secret)
        return SecretFacts(
            arn=reply["ARN"],
            rotation_enabled=bool(reply.get("RotationEnabled")),
            labels={
                version: tuple(labels)
                for version, labels in reply.get("VersionIdsToStages", {}).items()
            },
            last_rotated=reply.get("LastRotatedDate"),
            tags={each["Key"]: each["Value"] for each in reply.get("Tags", ())},
            deleted=reply.get("DeletedDate") is not None,
        )

    def value(self, secret: str, *, stage: str, version_id: str | None = None) -> StoredKey | None:
        """GetSecretValue of a key; ValueError for a value that is none."""
        version = {} if version_id is None else {"VersionId": version_id}
        reply = self._read(secret, {"VersionStage": stage, **version})
        if reply is None:
            return None
        text = reply.get("SecretString")
        if text is None:
            raise ValueError("is binary")
        content = AccessKeySecret.parse(Secret(text))
        return StoredKey(reply["VersionId"], content, reply["CreatedDate"])

    def text(
        self, secret: str, *, stage: str | None = None, version_id: str | None = None
    ) -> tuple[str, str, datetime] | None:
        """GetSecretValue of what is no key."""
        asked = {"VersionStage": stage, "VersionId": version_id}
        reply = self._read(secret, {name: each for name, each in asked.items() if each})
        if reply is None:
            return None
        return reply["VersionId"], reply.get("SecretString", ""), reply["CreatedDate"]

    def put(self, secret: str, token: str, content: Secret, stages: tuple[str, ...]) -> None:
        """PutSecretValue."""
        echoed = self._rotation_token
        self._manager(
            "PutSecretValue",
            SecretId=secret,
            ClientRequestToken=token,
            SecretString=content.reveal(),
            VersionStages=list(stages),
            **({} if echoed is None else {"RotationToken": echoed.reveal()}),
        )

    def move_label(
        self, secret: str, label: str, *, to: str | None, taken_from: str | None
    ) -> None:
        """UpdateSecretVersionStage."""
        moved = {"MoveToVersionId": to, "RemoveFromVersionId": taken_from}
        self._manager(
            "UpdateSecretVersionStage",
            SecretId=secret,
            VersionStage=label,
            **{name: version for name, version in moved.items() if version is not None},
        )

    def tag(self, secret: str, key: str, value: str) -> None:
        """TagResource."""
        self._manager("TagResource", SecretId=secret, Tags=[{"Key": key, "Value": value}])

    def keys(self, user_name: str) -> tuple[UserKey, ...]:
        """ListAccessKeys; a user never has more than a page of them."""
        reply = self._iam("ListAccessKeys", UserName=user_name)
        return tuple(
            UserKey(each["AccessKeyId"], each["Status"] == "Active", each["CreateDate"])
            for each in reply["AccessKeyMetadata"]
        )

    def last_use(self, access_key_id: str) -> LastUse:
        """GetAccessKeyLastUsed."""
        reply = self._iam("GetAccessKeyLastUsed", AccessKeyId=access_key_id)
        used = reply["AccessKeyLastUsed"]
        return LastUse(used.get("LastUsedDate"), used.get("ServiceName", "N/A"))

    def create_key(self, user_name: str) -> NewKey:
        """CreateAccessKey, once."""
        reply = self._iam("CreateAccessKey", again=False, UserName=user_name)
        key = reply["AccessKey"]
        return NewKey(key["AccessKeyId"], Secret(key["SecretAccessKey"]))

    def set_active(self, user_name: str, access_key_id: str, *, active: bool) -> None:
        """UpdateAccessKey; a key that is gone is left to the next look."""
        status = {"Status": "Active" if active else "Inactive"}
        self._change("UpdateAccessKey", user_name, access_key_id, status)

    def delete_key(self, user_name: str, access_key_id: str) -> None:
        """DeleteAccessKey."""
        self._change("DeleteAccessKey", user_name, access_key_id, {})

    def user_of(self, access_key_id: str, secret_access_key: Secret) -> str:
        """GetCallerIdentity, once."""
        client = self._clients.sts_as(access_key_id, secret_access_key, self._now())
        about = masked_tail(access_key_id)
        try:
            return _asked(client, "GetCallerIdentity", about, lambda reply: str(reply["Arn"]), {})
        finally:
            client.close()

    def _read(self, secret: str, version: Mapping[str, str]) -> Any:
        try:
            return self._manager("GetSecretValue", SecretId=secret, **version)
        except UpstreamRefused as exc:
            if exc.code == _ABSENT:
                return None
            raise

    def _change(
        self, operation: str, user_name: str, access_key_id: str, more: Mapping[str, Any]
    ) -> None:
        # Sent once: whoever slept meanwhile must look again before anything is taken away.
        parameters = {"UserName": user_name, "AccessKeyId": access_key_id, **more}
        try:
            self._iam(operation, again=False, **parameters)
        except UpstreamRefused as exc:
            if exc.code != _GONE:
                raise

    def _manager(self, operation: str, **parameters: Any) -> Any:
        client = self._clients.client(_MANAGER)
        return _asked(client, operation, parameters["SecretId"], _whole, parameters)

    def _iam(self, operation: str, *, again: bool = True, **parameters: Any) -> Any:
        client = self._clients.client(_IAM, again=again)
        about = parameters.get("UserName", "a key")
        return _asked(client, operation, about, _whole, parameters)


def _whole(reply: Any) -> Any:
    return reply


def _asked(
    client: Any,
    operation: str,
    about: str,
    read: Callable[[Any], _Result],
    parameters: Mapping[str, Any],
) -> _Result:
    service = client.meta.service_model.service_name
    method = client.meta.method_to_api_mapping
    name = next(each for each, known in method.items() if known == operation)
    try:
        return read(getattr(client, name)(**parameters))
    except Exception as exc:  # noqa: BLE001 - whatever an answer that is not AWS's leads to
        error = failed(exc, f"{service} to {operation} of {about}")
        raise _explained(error, f"{service}:{operation}", about) from None


def _explained(error: UpstreamError, action: str, about: str) -> UpstreamError:
    """Say which call it was, and which permission lacks."""
    if not isinstance(error, UpstreamRefused):
        return error
    hint = error.hint
    if error.code in _DENIED:
        hint = f"the role that rotates needs {action} on {about}"
        if _BY_SESSION_POLICY in error.message:
            hint = (
                f"the session policy of the profile lacks {action} on {about}: give the rotation "
                "a role and a profile of its own, and name the role in via"
            )
    return UpstreamRefused(
        f"{action} was refused: {error.message}", hint=hint, status=error.status, code=error.code
    )
