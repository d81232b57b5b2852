"""The role source that trades a token, which somebody else keeps in a file, for a session."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sidecar.aws.sts import SessionRequest, Sts
from sidecar.credentials import Credentials
from sidecar.errors import OperatorError
from sidecar.redaction import Secret
from sidecar.regular_file import read_regular_file

# The limit of STS for WebIdentityToken (API reference, "AssumeRoleWithWebIdentity").
_MAX_BYTES: Final = 20_000


class WebIdentitySource:
    """A role source that reads its token anew for every session.

    Args:
        sts: see `Sts`.
        token_file: the file with the token; a symlink is followed.
        request: gives what to ask for at the moment of asking.

    """

    def __init__(self, sts: Sts, token_file: Path, request: Callable[[], SessionRequest]) -> None:
        self._sts = sts
        self._token_file = token_file
        self._request = request

    async def fetch(self) -> Credentials:
        """Ask for a new session.

        Raises:
            OperatorError: the token, or a file of the request, cannot be used.
            UpstreamError: AWS did not give one.

        """
        token = read_token(self._token_file)
        return await self._sts.assume_role_with_web_identity(self._request(), token)


def read_token(path: Path) -> Secret:
    """Read a token; white space around it is ignored.

    Not checked: anything about the token, which AWS judges.

    Raises:
        OperatorError: missing, unreadable, not a regular file, not plain text, empty or too long.

    """
    try:
        content, _ = read_regular_file(path, _MAX_BYTES + 1)
        token = content.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        why = getattr(exc, "strerror", None) or "it is not plain text"
        raise OperatorError(
            f"token file {path} cannot be read: {why}",
            hint="check token_file, that this user may read it, and what writes it",
        ) from None
    if not token or len(content) > _MAX_BYTES:
        raise OperatorError(
            f"token file {path} is {'too long' if token else 'empty'}",
            hint=f"it must hold one token of up to {_MAX_BYTES} characters",
        )
    return Secret(token)
