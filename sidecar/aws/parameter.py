"""A parameter as Parameter Store knows it: the question for it and the answer."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from sidecar.redaction import Secret

_PARTS_OF_AN_ARN: Final = 6
# One that would be written otherwise than it came, such as 03, stays a label: AWS judges it.
_VERSION: Final = re.compile(r"[1-9][0-9]{0,18}")


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

    @classmethod
    def parse(cls, written: str, *, with_decryption: bool = False) -> Self:
        """Take a selector off a name or an ARN; what is written otherwise is asked for as it is.

        Source: GetParameter of the Systems Manager API, ``Name``: "name:version" and "name:label".

        Args:
            written: name or ARN, with or without a selector; an ARN has colons of its own.
            with_decryption: as for the query.

        """
        before = _PARTS_OF_AN_ARN - 1 if written.startswith("arn:") else 0
        *account, resource = written.split(":", before)
        name, _, selector = resource.partition(":")
        if not selector:
            return cls(written, with_decryption=with_decryption)
        name = ":".join([*account, name])
        if _VERSION.fullmatch(selector):
            return cls(name, version=int(selector), with_decryption=with_decryption)
        return cls(name, label=selector, with_decryption=with_decryption)

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
