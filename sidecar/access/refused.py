"""Why a caller's token is not accepted: for the audit, never for the caller."""


class TokenNotAccepted(Exception):
    """A presented token that proves nothing.

    Args:
        reason: one short sentence without any part of the token that its sender chose freely.
        app: whose it is, where the signature was right, and so that can be believed.
        token_id: its id, likewise.

    """

    def __init__(self, reason: str, *, app: str = "", token_id: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.app = app
        self.token_id = token_id
