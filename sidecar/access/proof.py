"""What a verified token of an outside issuer proves."""

from dataclasses import dataclass
from datetime import datetime

from sidecar.access.policy import App


@dataclass(frozen=True, slots=True)
class Proof:
    """Which app a token stands for, by which id, since when and until when.

    ``issued_at`` is None where the token does not tell.
    """

    app: App
    token_id: str
    issued_at: datetime | None
    ends_at: datetime
