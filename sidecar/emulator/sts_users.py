"""STS for users: GetCallerIdentity, GetSessionToken, and what a session of a user may not do.

Rules: STS API reference, "GetSessionToken": the session may not call IAM, and in STS only
AssumeRole and GetCallerIdentity, unless it was made with MFA, which the emulator does not have.
"""

import uuid
from datetime import timedelta
from typing import Final
from xml.sax.saxutils import escape

from sidecar.clock import iso_seconds
from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError, Response
from sidecar.emulator.refusals import NotLetIn, Refusal
from sidecar.emulator.user_sessions import UserSessions

_SHORTEST_SECONDS: Final = 900
_LONGEST_SECONDS: Final = 129_600
_USUAL_SECONDS: Final = 43_200
_OF_USER_SESSIONS: Final = frozenset({"AssumeRole", "GetCallerIdentity"})
_OF_LONG_TERM_KEYS: Final = frozenset({"GetSessionToken", "GetFederationToken"})


def check_session_use(caller: Caller) -> None:
    """Refuse what temporary credentials may not do, whatever policies say.

    Raises:
        NotLetIn: IAM does not know the session of a user, and STS does not serve sessions here.
    """
    address, principal = caller.touch.address, caller.principal
    if principal.is_user_session and address.service == "iam":
        raise NotLetIn(Refusal.UNKNOWN_KEY)
    if address.service != "sts":
        return
    refused = principal.is_user_session and address.operation not in _OF_USER_SESSIONS
    if refused or (principal.session is not None and address.operation in _OF_LONG_TERM_KEYS):
        raise NotLetIn(Refusal.DENIED, f"Cannot call {address.operation} with session credentials")


def get_caller_identity(caller: Caller) -> Response:
    """Answer GetCallerIdentity, of users whose key is about to be forgotten too."""
    principal = caller.principal
    return _answer(
        "GetCallerIdentity",
        f"<Arn>{escape(principal.arn)}</Arn><UserId>{escape(principal.user_id)}</UserId>"
        f"<Account>{principal.account}</Account>",
    )


def get_session_token(caller: Caller, sessions: UserSessions) -> Response:
    """Answer GetSessionToken.

    Raises:
        AwsError: a duration out of range.
    """
    text = str(caller.touch.parameters.get("DurationSeconds", _USUAL_SECONDS))
    seconds = int(text) if text.isascii() and text.isdigit() else 0
    if not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        bound = "greater" if seconds < _SHORTEST_SECONDS else "less"
        limit = _SHORTEST_SECONDS if seconds < _SHORTEST_SECONDS else _LONGEST_SECONDS
        raise AwsError(
            400,
            "ValidationError",
            f"1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy "
            f"constraint: Member must have value {bound} than or equal to {limit}",
        )
    principal = caller.principal
    session = sessions.mint(
        principal.name,
        principal.account,
        principal.partition,
        duration=timedelta(seconds=seconds),
        now=caller.now,
    )
    return _answer(
        "GetSessionToken",
        f"<Credentials><AccessKeyId>{session.access_key_id}</AccessKeyId>"
        f"<SecretAccessKey>{escape(session.secret_access_key.reveal())}</SecretAccessKey>"
        f"<SessionToken>{escape(session.session_token.reveal())}</SessionToken>"
        f"<Expiration>{iso_seconds(session.expires_at)}</Expiration></Credentials>",
    )


def _answer(operation: str, result: str) -> Response:
    body = (
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{operation}Result>{result}</{operation}Result><ResponseMetadata>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return Response(200, body.encode(), {"Content-Type": "text/xml"})
