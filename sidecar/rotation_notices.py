"""What becomes of a key's rotations, as notices: at the edges, not at each attempt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sidecar.aws.key_clients import KeyClients
from sidecar.errors import SidecarError
from sidecar.notice import Kind, Notice, Severity, Tell
from sidecar.redaction import masked_tail
from sidecar.rotation.aws_calls import AwsCalls
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.reaper import Reaped
from sidecar.rotation.stuck import RotationStuck

# What may pass by itself is told once it has not: an outage of a minute, or another sidecar that
# is rotating the same key.
_IN_A_ROW: Final = 2
_FAILURES: Final = (Kind.ROTATION_FAILED, Kind.ROTATION_ABANDONED)
ROTATE: Final = "rotate"
RETIRE: Final = "retire"
LOOK: Final = "look"


@dataclass(slots=True)
class RotationNotices:
    """Tells of one secret's key; used by one thread at a time.

    Args:
        secret: the secret, as the configuration names it.
        user: the IAM user.
        tell: takes notices.
        now: tells the moment.

    """

    secret: str
    user: str
    tell: Tell
    now: Callable[[], datetime]
    _token: str = ""
    _failures: dict[str, int] = field(default_factory=dict)
    _told: dict[tuple[str, Kind], Severity] = field(default_factory=dict)

    def begun(self, token: str) -> None:
        """Tell that a rotation has begun, unless it is the one that was told of before."""
        if token != self._token:
            self._token = token
            what = f"the rotation of the key in {self.secret} has begun"
            self._say(Kind.ROTATION_STARTED, Severity.INFO, what)

    def rotated(self, version: str) -> None:
        """Tell that a rotation is through."""
        what = f"the key in {self.secret} is rotated; the previous one works for its grace"
        self._say(Kind.ROTATION_SUCCEEDED, Severity.INFO, what, version=version)
        self._token = ""

    def restored(self, version: str) -> None:
        """Tell that the previous key is current again."""
        what = f"the previous key in {self.secret} is given to applications again"
        self._say(Kind.KEY_RESTORED, Severity.WARNING, what, version=version)

    def deactivated(self, key_id: str) -> None:
        """Tell that a key is inactive now."""
        shown = masked_tail(key_id)
        what = f"key {shown} of user {self.user} is inactive from now on"
        self._say(Kind.KEY_DEACTIVATED, Severity.INFO, what, key=shown)

    def deleted(self, key_id: str) -> None:
        """Tell that a key is gone."""
        shown = masked_tail(key_id)
        what = f"key {shown} of user {self.user} is deleted"
        self._say(Kind.KEY_DELETED, Severity.INFO, what, key=shown)

    @contextmanager
    def watching(self, what: str) -> Iterator[None]:
        """Tell of a failure of something that is done again and again; it goes on to the caller."""
        try:
            yield
        except SidecarError as exc:
            self._failed(what, exc)
            raise
        self._failures.pop(what, None)
        self._told = {each: told for each, told in self._told.items() if each[0] != what}

    def _failed(self, what: str, exc: SidecarError) -> None:
        self._failures[what] = in_a_row = self._failures.get(what, 0) + 1
        stuck = isinstance(exc, RotationStuck)
        kind = Kind.ROTATION_ABANDONED if stuck else Kind.ROTATION_FAILED
        severity = Severity.WARNING if exc.retryable else Severity.ERROR
        told = self._told.get((what, kind))
        if (exc.retryable and in_a_row < _IN_A_ROW) or (told is not None and told >= severity):
            return
        self._told[what, kind] = severity
        done = "rotated" if what == ROTATE else "looked after"
        sentence = f"the key in {self.secret} was not {done}: {exc.message}"
        self._say(kind, severity, sentence, **({"hint": exc.hint} if exc.hint else {}))

    def _say(self, kind: Kind, severity: Severity, sentence: str, **facts: str) -> None:
        known = {"secret": self.secret, "user": self.user, **facts}
        thread = f"{self.secret} {self._token}".strip()
        self.tell(Notice(kind, severity, sentence, self.now(), known, thread))


@dataclass(slots=True)
class OnceBegun:
    """Tells of a rotation by hand from its begin on: whoever asks for it reads why it is refused.

    Args:
        tell: takes notices.

    """

    tell: Tell
    _begun: bool = False

    def __call__(self, notice: Notice) -> None:
        """Take a notice; that of a failure before anything was begun goes no further."""
        self._begun |= notice.kind is Kind.ROTATION_STARTED
        if self._begun or notice.kind not in _FAILURES:
            self.tell(notice)


class ToldCalls(AwsCalls):
    """The calls of a rotation, of which those are told that end a key's use.

    Args:
        clients: makes the clients.
        now: tells the moment.
        notices: tells it.

    """

    def __init__(
        self, clients: KeyClients, now: Callable[[], datetime], notices: RotationNotices
    ) -> None:
        super().__init__(clients, now)
        self._notices = notices

    def set_active(self, user_name: str, access_key_id: str, *, active: bool) -> None:
        """UpdateAccessKey."""
        super().set_active(user_name, access_key_id, active=active)
        if not active:
            self._notices.deactivated(access_key_id)

    def delete_key(self, user_name: str, access_key_id: str) -> None:
        """DeleteAccessKey."""
        super().delete_key(user_name, access_key_id)
        self._notices.deleted(access_key_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldKeeper(Keeper):
    """A keeper that tells what becomes of its key.

    Args:
        notices: tells it.

    """

    notices: RotationNotices

    def rotate(self) -> str:
        """Rotate once; raises as `Keeper.rotate` does."""
        with self.notices.watching(ROTATE):
            version = Keeper.rotate(self)  # super() knows no class that dataclass made anew
        self.notices.rotated(version)
        return version

    def rotated_at(self) -> datetime | None:
        """Tell when the current version came to be current."""
        with self.notices.watching(LOOK):
            return Keeper.rotated_at(self)

    def reap(self) -> Reaped:
        """Retire the replaced key as far as its time has come; raises as `rotate` does."""
        with self.notices.watching(RETIRE):
            return Keeper.reap(self)

    def restore(self) -> str:
        """Give applications the previous key again; returns the version that is current then."""
        version = Keeper.restore(self)
        self.notices.restored(version)
        return version
