"""How far this machine's clock is from AWS's, by the Date of a reply, and what follows from it.

The date is worth what the connection is worth: over TLS it is AWS's. Who calls decides that.
"""

from datetime import datetime, timedelta
from typing import Final

from sidecar.signing.http_reply import Reply

# A date has whole seconds and is half a round trip old: less than this says nothing.
_NOISE: Final = timedelta(seconds=30)
# Signatures are good for about five minutes either way; a refusal near that may well be for it.
_LIKELY_REFUSED: Final = timedelta(minutes=4)
# No time zone explains more, and TLS's certificates would fail soon: such a date is a mistake.
_LARGEST: Final = timedelta(days=1)

_CODES: Final = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_WORDS: Final = ("signature expired", "not yet current", "skew", "request has expired")
_REFUSALS: Final = range(400, 500)
_FORBIDDEN: Final = 403


def ahead_of_us(reply: Reply, asked_at: datetime) -> timedelta | None:
    """Tell how far AWS's clock is ahead of ours; zero if it is near.

    None if the reply has no date, or one that is more than a day off.

    Args:
        reply: what came back.
        asked_at: when the request went out, by our clock. The time on the way then makes AWS's
            clock look further ahead, and a session end a little earlier, never later.

    """
    date = reply.date()
    if date is None:
        return None
    ahead = date - asked_at
    if abs(ahead) > _LARGEST:
        return None
    return ahead if abs(ahead) > _NOISE else timedelta(0)


def about_the_date(code: str, words: str) -> bool:
    """Whether a refusal's code or words say that the signature was made at the wrong time."""
    folded = words.lower()
    return code in _CODES or any(each in folded for each in _WORDS)


def refused_for_the_date(reply: Reply, code: str, words: str, *, signed_at: datetime) -> bool:
    """Whether signing again with the server's time may help.

    Args:
        reply: the refusal.
        code: its error code.
        words: its message.
        signed_at: the moment that the request was signed for.

    """
    date = reply.date()
    if date is None or reply.status not in _REFUSALS:
        return False
    off = abs(date - signed_at)
    if about_the_date(code, words):
        return off > _NOISE
    return reply.status == _FORBIDDEN and off > _LIKELY_REFUSED
