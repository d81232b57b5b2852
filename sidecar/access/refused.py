"""Why a caller's token is not accepted: for the audit, never for the caller."""


class TokenNotAccepted(Exception):
    """A presented token that proves nothing.

    Args:
        reason: one short sentence without any part of the token that its sender chose freely.

    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
