"""An HTTP reply as a value, and what its headers say about time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_MOST_DIGITS: Final = 9


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """An HTTP reply: status, headers by name in any case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Give a header's value; empty when it is not there."""
        wanted = name.lower()
        return next((text for key, text in self.headers.items() if key.lower() == wanted), "")

    def date(self) -> datetime | None:
        """Tell when the server says that it answered (RFC 9110, 6.6.1); None when it does not."""
        return _http_date(self.header("Date"))

    def retry_after_seconds(self, now: datetime) -> float:
        """Tell how long the server asks to wait (RFC 9110, 10.2.3); 0 when it does not.

        Args:
            now: what a date is compared with when the reply has none of its own.

        """
        text = self.header("Retry-After").strip()
        if text.isascii() and text.isdigit():
            return float(text[:_MOST_DIGITS])
        moment = _http_date(text)
        if moment is None:
            return 0
        return max((moment - (self.date() or now)).total_seconds(), 0)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
