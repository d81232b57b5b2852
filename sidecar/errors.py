"""The one error tree, arranged by who must act.

::

    SidecarError
    ├── OperatorError            somebody must change a file, an option or a machine
    │   ├── ConfigError          the configuration, all problems at once
    │   ├── IdentityError        the certificate or the private key
    │   ├── UsageError           flags of a command that do not go together
    │   ├── ListenError          an address that cannot be opened
    │   └── NetworkLost          the network namespace was left by its owner
    ├── CallerError              an application sent what it may not send
    │   ├── BadRequest           400
    │   ├── Unauthenticated      401
    │   ├── Forbidden            403
    │   ├── NotFound             404
    │   └── TooManyRequests      429
    ├── NotReady                 503: nothing valid to serve at this moment
    └── UpstreamError            AWS, or the way to it
        ├── UpstreamRefused      AWS answered no; asking again will not help
        └── UpstreamUnavailable  no answer, 5xx or throttling; asking again may help
            ├── UpstreamTimeout      504: it did not answer in time
            └── UpstreamUnreachable  502: the connection failed

Every error has a sentence (`str`), a hint for whoever must act, a status for an HTTP edge, and says
whether a retry may help. None ever holds a secret value.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class SidecarError(Exception):
    """Root of everything that this program raises on purpose.

    Args:
        message: what failed and with which value; lower case, no full stop, never a secret.
        hint: what to do about it.
    """

    http_status = 500
    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class OperatorError(SidecarError):
    """Somebody must change a file, an option or the machine."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration: where, what, and what to do."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ConfigError(OperatorError):
    """The configuration is refused; `problems` holds every reason, not only the first.

    ``subject`` is what has them, where that is not the configuration.
    """

    def __init__(
        self, problems: Sequence[Problem], *, hint: str = "", subject: str = "configuration"
    ) -> None:
        count = len(problems)
        super().__init__(f"{subject} has {count} problem{'s' if count != 1 else ''}", hint=hint)
        self.problems = tuple(problems)


class UsageError(OperatorError):
    """The flags of a command do not go together, or one is missing."""


class IdentityError(OperatorError):
    """The certificate or the private key cannot be used."""


class ListenError(OperatorError):
    """An address cannot be opened for listening."""


class NetworkLost(OperatorError):
    """The network namespace that the process is in leads nowhere any more."""


class CallerError(SidecarError):
    """An application sent what it may not send."""

    http_status = 400


class BadRequest(CallerError):
    """The request is malformed."""


class Unauthenticated(CallerError):
    """No signature, or one that is nobody's; tokens have `TokenNotAccepted`."""

    http_status = 401


class Forbidden(CallerError):
    """The app is known and may not have this.

    Args:
        message: as for every error, and so is hint.
        hint: see above.
        reason: what in the configuration says so; for operators, not for the app.
    """

    http_status = 403

    def __init__(self, message: str, *, hint: str = "", reason: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason or message


class NotFound(CallerError):
    """There is no such role, route or secret."""

    http_status = 404


class TooManyRequests(CallerError):
    """The app has as many requests under way as it may."""

    http_status = 429
    retryable = True


class NotReady(SidecarError):
    """Nothing valid can be served at this moment."""

    http_status = 503
    retryable = True


class UpstreamError(SidecarError):
    """AWS, or the way to it, did not give what was asked.

    Args:
        message: what failed; may quote AWS's own words, which hold no secrets.
        hint: what to do about it.
        status: HTTP status that AWS answered with; 0 when there was no answer.
        code: AWS's error code, such as ``AccessDeniedException``; empty when there was none.
    """

    http_status = 502

    def __init__(self, message: str, *, hint: str = "", status: int = 0, code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code


class UpstreamRefused(UpstreamError):
    """AWS answered no; the same question will get the same answer."""


class UpstreamUnavailable(UpstreamError):
    """No answer, a 5xx or throttling; a later attempt may succeed.

    Args:
        message: as for every upstream error, and so are hint, status and code.
        hint: see above.
        status: see above.
        code: see above.
        retry_after_seconds: how long AWS asked to wait; 0 when it did not say.
    """

    http_status = 503
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int = 0,
        code: str = "",
        retry_after_seconds: float = 0,
    ) -> None:
        super().__init__(message, hint=hint, status=status, code=code)
        self.retry_after_seconds = retry_after_seconds


class UpstreamTimeout(UpstreamUnavailable):
    """AWS did not answer in time."""

    http_status = 504


class UpstreamUnreachable(UpstreamUnavailable):
    """The connection to AWS failed, or what came over it was no answer."""

    http_status = 502
