"""A password that is asked for once: a reload must not ask, since nobody may be there to answer."""

from sidecar.identity.password import NoPassword, NoPasswordSource, Password, PasswordGiven
from sidecar.redaction import Secret


class RememberedPassword:
    """Asks a source the first time and keeps its answer.

    Args:
        source: whom to ask.

    """

    def __init__(self, source: Password) -> None:
        self._source = source
        self._answer: Secret | None = None
        self._asks = True

    @property
    def asks(self) -> bool:
        """Whether its source would be asked, and asks somebody."""
        return self._answer is None and self._asks and self._source.asks

    def read(self, what: str) -> Secret:
        """Give the answer, asking for it if that has not been done yet."""
        if self._answer is None:
            if not self._asks:
                raise NoPassword(what)
            self._answer = self._source.read(what)
        return self._answer

    def stop_asking(self) -> None:
        """Have only the answer from now on: when files are replaced, nobody is there to ask."""
        self._asks = False

    def without_asking(self) -> Password:
        """Give the password for later: the answer, or none if nobody was ever asked."""
        return NoPasswordSource() if self._answer is None else PasswordGiven(self._answer)
