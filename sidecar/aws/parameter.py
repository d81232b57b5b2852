"""A parameter as Parameter Store knows it: the question for it and the answer."""

from dataclasses import dataclass
from datetime import datetime

from sidecar.redaction import Secret


@dataclass(frozen=True, slots=True)
class ParameterQuery:
    """Which version of which parameter: by number or by label, else the newest.

    Args:
        name: name or ARN.
        version: number of a version; not together with `label`.
        label: label of a version.
        with_decryption: whether a ``SecureString`` comes in clear text.

    """

    name: str
    version: int | None = None
    label: str | None = None
    with_decryption: bool = False

    @property
    def selected_name(self) -> str:
        """What AWS is asked for: the name, with its selector behind a colon."""
        selector = self.label if self.version is None else self.version
        return self.name if selector is None else f"{self.name}:{selector}"


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """What GetParameter answers.

    `selector` is what followed the name in the question, its colon included. `source_result` comes
    with ``/aws/reference/secretsmanager/…`` only: the JSON of the secret, its value included.
    """

    arn: str
    name: str
    type: str
    value: Secret
    version: int
    last_modified: datetime | None
    data_type: str
    selector: str | None
    source_result: Secret | None
