"""What one app may read by reference: its policy around the caches."""

from collections.abc import Callable
from dataclasses import replace

from sidecar.access.policy import App
from sidecar.aws.parameter import ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.delivery.content import content
from sidecar.delivery.reference import Reference
from sidecar.delivery.values import Values
from sidecar.errors import Forbidden
from sidecar.redaction import Secret


class AppValues:
    """The values that an app may read.

    Args:
        app: whose policy counts.
        reader: whose credentials read from AWS.
        values: the caches.

    """

    def __init__(self, app: App, reader: Reader, values: Values) -> None:
        self._app = app
        self._reader = reader
        self._values = values

    async def read(self, reference: Reference) -> Secret:
        """Give what a reference stands for.

        The policy is asked before AWS is, and again with the name that AWS tells.

        Raises:
            SidecarError: it may not be read, is not there, or cannot be asked for.

        """
        if not self._may_name(reference):
            raise self._denied(reference)
        value = (await self._values.get(self._reader, reference.query)).value
        if not self._may_read(value):
            raise self._denied(reference)
        return content(reference, value)

    def watch(self, reference: Reference, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` for a value that is held now, and on each change; gives what ends it."""
        return self._values.watch(self._reader, reference.query, lambda _: changed())

    def _may_name(self, reference: Reference) -> bool:
        if isinstance(reference.query, SecretQuery):
            return self._app.may_name_secret(reference.name)
        return self._app.may_name_parameter(reference.name)

    def _may_read(self, value: SecretValue | ParameterValue) -> bool:
        if isinstance(value, SecretValue):
            return self._app.may_read_secret(value.name)
        return self._app.may_read_parameter(value.name, value.source_result)

    def _denied(self, reference: Reference) -> Forbidden:
        kind = "secrets" if isinstance(reference.query, SecretQuery) else "parameters"
        meant = _without_first_slash(reference)
        question = "" if meant is None else f"did you mean {meant}? if not, "
        return Forbidden(
            f"app {self._app.name} may not read {reference.name}",
            hint=f"{question}add it to apps.{self._app.name}.{kind}",
        )


def _without_first_slash(reference: Reference) -> Reference | None:
    """Give what ``secret:///a`` was probably meant to be: few secrets' names begin with a slash."""
    query, name = reference.query, reference.name.lstrip("/")
    if not isinstance(query, SecretQuery) or name in ("", query.secret_id):
        return None
    return replace(reference, query=replace(query, secret_id=name))
