"""The functions that can rotate: callables of this process by ARN, and those that are deployed."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.rotation.deployed import Deployed

Handler = Callable[[dict[str, Any], object], object]
_NOT_INVOKED: Final = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy "
    "grants access to the principal secretsmanager.amazonaws.com."
)
_SECRETS_MANAGER: Final = "secretsmanager.amazonaws.com"
_PATIENCE_MILLIS: Final = 900_000


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The context object of an invocation, as far as rotation functions look at it."""

    invoked_function_arn: str
    aws_request_id: str
    memory_limit_in_mb: str = "128"
    function_version: str = "$LATEST"

    @property
    def function_name(self) -> str:
        """The name within the ARN."""
        return self.invoked_function_arn.split(":")[6]

    def get_remaining_time_in_millis(self) -> int:
        """The longest that Lambda lets any function run: nobody ends a callable here."""
        return _PATIENCE_MILLIS


class Functions:
    """Who answers for which ARN; safe to use from many threads."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self._handlers: dict[str, Handler] = {}
        self._lock = Lock()

    def register(self, arn: str, handler: Handler) -> None:
        """Let a callable answer for an ARN, instead of whatever did before."""
        with self._lock:
            self._handlers[arn] = handler

    def check(self, arn: str, secret_arn: str) -> None:
        """Make sure that Secrets Manager could invoke a function for a secret.

        Raises:
            AwsError: AccessDeniedException, also when there is no such function.
        """
        if not self.may_be_invoked(arn, _SECRETS_MANAGER, secret_arn):
            raise AwsError(400, "AccessDeniedException", _NOT_INVOKED)

    def may_be_invoked(self, arn: str, service: str, source_arn: str) -> bool:
        """Whether a service of AWS's may invoke a function, for what `source_arn` names."""
        return self._find(arn) is not None or self.deployed.may_be_invoked(arn, service, source_arn)

    def invoke(self, arn: str, event: dict[str, Any], request_id: str) -> None:
        """Run one step; whatever the function raises comes out, what it returns does not count."""
        handler = self._find(arn)
        if handler is None:
            self.deployed.invoke(arn, event, request_id)
        else:
            handler(event, LambdaContext(arn, request_id))

    def _find(self, arn: str) -> Handler | None:
        with self._lock:
            return self._handlers.get(arn)
