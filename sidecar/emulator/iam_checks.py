"""What IAM refuses before it acts on access keys: statuses it does not know, keys of others."""

from typing import Final

from moto.iam.models import iam_backends

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.resources import Touch

_STATUSES: Final = ("Active", "Inactive")
_OF_KEYS: Final = frozenset(
    {"CreateAccessKey", "DeleteAccessKey", "ListAccessKeys", "UpdateAccessKey"}
)


def check_iam(touch: Touch) -> None:
    """Refuse a request about access keys that IAM refuses whatever there is.

    moto takes any status, and without a UserName acts on whoever has the key, where IAM acts on
    the calling user (API reference, "DeleteAccessKey", UserName).

    Raises:
        AwsError: ValidationError or NoSuchEntity.
    """
    if touch.address.service != "iam" or touch.address.operation not in _OF_KEYS:
        return
    status = touch.text("Status")
    if touch.address.operation == "UpdateAccessKey" and status not in _STATUSES:
        raise _invalid(
            f"1 validation error detected: Value '{status}' at 'status' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(_STATUSES)}]"
        )
    if not touch.text("UserName"):
        _check_own_key(touch)


def _check_own_key(touch: Touch) -> None:
    principal, key_id = touch.principal, touch.text("AccessKeyId")
    if principal.session is not None:
        raise _invalid("Must specify userName when calling with non-User credentials")
    key = iam_backends[principal.account][principal.partition].access_keys.get(key_id)
    if key_id and (key is None or key.user_name != principal.name):
        message = f"The Access Key with id {key_id} cannot be found."
        raise AwsError(404, "NoSuchEntity", message)


def _invalid(message: str) -> AwsError:
    return AwsError(400, "ValidationError", message)
