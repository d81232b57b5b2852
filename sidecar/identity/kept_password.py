"""The password of a device: kept while it is accepted, never sent again once it was refused."""

from dataclasses import dataclass, field
from typing import Final

from sidecar.errors import IdentityError
from sidecar.identity.password import NoPassword, Password
from sidecar.redaction import Secret

# A device counts wrong passwords and locks itself after a few. It does so for the whole process,
# however often a reload opens the key anew, so this memory belongs to the process as well.
_REFUSED: Final[set[tuple[str, Secret]]] = set()


@dataclass(slots=True)
class KeptPassword:
    """What opens one key: asked of its source once, and again only after it was refused.

    ``noun`` is what people call it: a password, or a token's PIN.
    """

    source: Password
    noun: str = "password"
    _accepted: Secret | None = field(default=None, repr=False)

    @property
    def is_accepted(self) -> bool:
        """Whether the device has accepted it, so that sending it is no risk."""
        return self._accepted is not None

    def read(self, device: str, what: str) -> Secret:
        """Give the password to send.

        Args:
            device: tells this device from every other one, for good.
            what: what it opens, for a prompt and for messages.

        Raises:
            IdentityError: there is none, or the device has refused it before.

        """
        password = self._ask(what) if self._accepted is None else self._accepted
        if (device, password) in _REFUSED:
            raise IdentityError(
                f"the {self.noun} of {what} was refused before and is not sent again",
                hint="configure the right one; restart if it is the device that was changed",
            )
        return password

    def _ask(self, what: str) -> Secret:
        try:
            return self.source.read(what)
        except NoPassword:
            raise NoPassword(what, self.noun) from None

    def accept(self, password: Secret) -> None:
        """Keep it: no prompt for the next signature."""
        self._accepted = password

    def refuse(self, device: str, password: Secret, what: str) -> IdentityError:
        """Remember that the device refused it, and give the error to raise."""
        _REFUSED.add((device, password))
        self._accepted = None
        return IdentityError(
            f"{what} refused the {self.noun}",
            hint="configure the right one; this one is not sent again, because a few wrong ones "
            "lock a device",
        )
