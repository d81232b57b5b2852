"""The event with which Secrets Manager calls a rotation function."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self

from sidecar.errors import BadRequest
from sidecar.redaction import Secret

_TOKEN_LENGTHS: Final = range(32, 65)


class Step(Enum):
    """The four steps, in their order; the value is how Secrets Manager spells it."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


# Newer pages of the user guide spell the steps as functions; both are understood.
_SPELLINGS: Final = {step.value: step for step in Step} | {
    "create_secret": Step.CREATE,
    "set_secret": Step.SET,
    "test_secret": Step.TEST,
    "finish_secret": Step.FINISH,
}


@dataclass(frozen=True, slots=True)
class RotationEvent:
    """One of the four calls of a rotation.

    Args:
        step: which of them.
        secret_id: the secret's ARN, as the event says; only to be compared.
        token: the id of the version that the rotation fills.
        rotation_token: proves to Secrets Manager that a put belongs to the rotation, where the
            function reaches it through an assumed role; a secret.

    """

    step: Step
    secret_id: str
    token: str
    rotation_token: Secret | None = None

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> Self:
        """Read an event (Secrets Manager user guide, "Rotation by Lambda function").

        Raises:
            BadRequest: a member is missing or is not what it must be.

        """
        step = _SPELLINGS.get(_text(event, "Step"))
        if step is None:
            raise BadRequest(
                f"Step: unknown step {event['Step']!r}",
                hint=f"Secrets Manager sends one of {', '.join(each.value for each in Step)}",
            )
        token = _text(event, "ClientRequestToken")
        if len(token) not in _TOKEN_LENGTHS:
            raise BadRequest("ClientRequestToken: 32 to 64 characters are expected")
        rotation_token = event.get("RotationToken")
        if rotation_token is not None and not isinstance(rotation_token, str):
            raise BadRequest("RotationToken: a text is expected")
        secret = None if rotation_token is None else Secret(rotation_token)
        return cls(step, _text(event, "SecretId"), token, secret)


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(
            f"{name}: a text is expected in the rotation event",
            hint="only Secrets Manager calls this function, with the four steps of a rotation",
        )
    return value
