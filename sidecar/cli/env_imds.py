"""The variable that points an SDK at the metadata door, and what keeps it from asking there."""

from collections.abc import Iterator, Mapping
from typing import Final

from sidecar.config.metadata_consistency import metadata_app
from sidecar.config.schema import Config
from sidecar.errors import OperatorError

ENDPOINT_VARIABLE: Final = "AWS_EC2_METADATA_SERVICE_ENDPOINT"

_DISABLED: Final = "AWS_EC2_METADATA_DISABLED"
# SDKs ask a container endpoint before the metadata service.
_CONTAINER: Final = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)


def check_imds(config: Config, app: str | None, role: str | None) -> None:
    """Refuse an app or a role that the door cannot be asked for.

    Raises:
        OperatorError: another app than the one that it serves, or a role.

    """
    served = metadata_app(config.metadata, config.apps)
    if app is not None and app != served and config.doors.metadata:
        raise OperatorError(
            f"the metadata door serves app {served}, not {app}",
            hint="set metadata.app, or leave out --imds",
        )
    if role is not None:
        raise OperatorError(
            "--role cannot go with --imds: SDKs take the first role of the app",
            hint="put the role first in the app's roles",
        )


def imds_warnings(environment: Mapping[str, str]) -> Iterator[str]:
    """Warn of variables because of which an SDK would not ask the metadata door."""
    if environment.get(_DISABLED, "").lower() == "true":
        yield f"{_DISABLED} is true here; SDKs will not ask the metadata door: unset {_DISABLED}"
    for name in _CONTAINER:
        if environment.get(name):
            yield f"{name} is set here; SDKs prefer it to the metadata door: unset {name}"
