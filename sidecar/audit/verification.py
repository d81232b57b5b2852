"""What a chained trail says when it is read from its first line to its last, and whether it can."""

from dataclasses import dataclass
from typing import Any, Final

from sidecar.audit.chain import GENESIS, digest, fields_of, folded, link_of
from sidecar.audit.event import Result
from sidecar.errors import OperatorError

_HINT: Final = "what stands before that line has been changed, removed or added to, or is not given"
_UNCHAINED: Final = "chain = true in [audit] links the lines that are written from then on"
_NOT_AS_WRITTEN: Final = (
    f"{_UNCHAINED}; they must be given as they were written, without a prefix such as a time"
)
_NEW_CHAIN: Final = (
    "a chain begins here: check a log that was collected from stdout with --from-stdout; in a "
    "file, what stands before that line has been changed or is not given"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands: in which file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file} line {self.line}"


class BrokenTrail(OperatorError):
    """A trail is not as it was written."""


@dataclass(slots=True, kw_only=True)
class Account:
    """What a trail comes to.

    Args:
        lines: of the chain, without those before it and those that are torn.
        granted: events that ended so; and so are `denied` and `failed`.
        denied: see above.
        failed: see above.
        dropped: events that the trail says were lost.
        torn: lines that were written in part only.
        unchained: lines before the chain begins, which nothing protects.
        starts: chains that begin in a log that was collected from stdout.
        other: lines of such a log that are none of a trail.
        first: time of the first line of the chain.
        last: time of its last line.
        follows: the hash that its first line holds.
        head: the hash of its last line.

    """

    lines: int = 0
    granted: int = 0
    denied: int = 0
    failed: int = 0
    dropped: int = 0
    torn: int = 0
    unchained: int = 0
    starts: int = 0
    other: int = 0
    first: str = ""
    last: str = ""
    follows: str = GENESIS
    head: str = GENESIS


class Verification:
    """Reads a trail line by line.

    It finds each line that was changed, removed, added or moved, by the line that follows. Not what
    follows nothing: the last line may be changed and lines removed from the end (`expect`), or from
    the beginning (`after`). Nor does it know who wrote: whoever may write can make a whole new one.

    Args:
        after: the hash that the first line must hold; None for any.

    """

    def __init__(self, after: str | None = None) -> None:
        self.account = Account()
        self._after = after
        self._torn = ""
        self._torn_at: Place | None = None

    def take(self, line: bytes, place: Place) -> None:
        """Check the next line, without its newline.

        Raises:
            BrokenTrail: it does not follow what was taken before.

        """
        link = link_of(line)
        if link is None:
            self._take_other(line, place)
            return
        account, fields = self.account, fields_of(line) or {}
        if account.lines:
            self._follow(link, fields, place)
        else:
            self._begin(link, fields, place)
        account.head = digest(line)
        self._torn, self._torn_at = "", None
        self._count(fields)

    def end(self, expected: str | None = None) -> None:
        """Check the whole.

        Args:
            expected: the hash that the last line must have; None for any.

        Raises:
            BrokenTrail: nothing is chained, or the end is another one.

        """
        account = self.account
        if (account.unchained or account.other) and not account.lines:
            raise BrokenTrail(
                "nothing is chained: no line holds the hash of the one before",
                hint=_UNCHAINED if account.unchained else _NOT_AS_WRITTEN,
            )
        if expected not in (None, account.head):
            raise BrokenTrail(
                f"the last line has the hash {account.head}, not {expected}",
                hint="lines are missing at the end or were added, or the last one has been changed",
            )

    def _take_other(self, line: bytes, place: Place) -> None:
        """Take a line that is no whole one of a chain, for the next one to speak of."""
        account = self.account
        self._torn = folded(self._torn, line)
        self._torn_at = self._torn_at or place
        if account.lines:
            account.torn += 1
        else:
            account.unchained += 1
            account.head = digest(line)

    def _begin(self, link: str, fields: dict[str, Any], place: Place) -> None:
        """Take the first line of the chain: what it follows may be in a file that is gone."""
        account = self.account
        if self._torn and fields.get("torn") == self._torn:
            account.torn, account.unchained = account.unchained, 0
        if account.unchained:
            self._check_link(link, account.head, place)
        if self._after not in (None, link):
            raise BrokenTrail(f"{place}: the first line follows {link}", hint=_HINT)
        account.follows = link

    def _follow(self, link: str, fields: dict[str, Any], place: Place) -> None:
        """Take a line that is not the first."""
        self._check_torn(fields, place)
        self._check_link(link, self.account.head, place)

    def _check_link(self, link: str, head: str, place: Place) -> None:
        if link != head:
            hint = _NEW_CHAIN if link == GENESIS else _HINT
            raise BrokenTrail(f"{place}: its prev is not the hash of the line before", hint=hint)

    def _check_torn(self, fields: dict[str, Any], place: Place) -> None:
        if fields.get("torn", "") == self._torn:
            return
        if self._torn_at is None:
            raise BrokenTrail(f"{place}: speaks of a torn line that is not there", hint=_HINT)
        raise BrokenTrail(
            f"{self._torn_at}: is no line of the chain, and the next one does not speak of it",
            hint="it has been changed or added",
        )

    def _count(self, fields: dict[str, Any]) -> None:
        account = self.account
        account.lines += 1
        account.granted += fields.get("result") == Result.GRANTED
        account.denied += fields.get("result") == Result.DENIED
        account.failed += fields.get("result") == Result.FAILED
        dropped = fields.get("dropped")
        account.dropped += dropped if isinstance(dropped, int) else 0
        account.last = str(fields.get("time", ""))
        account.first = account.first or account.last


class CollectedVerification(Verification):
    """Reads a log that was collected from stdout: a chain for each start, and other lines.

    It finds what `Verification` finds, in each chain by itself: lines that are missing before a new
    start are at the end of one. Nothing is said of the other lines, nor of what was torn.
    """

    def take(self, line: bytes, place: Place) -> None:
        """Check the next line; a terminal ends each with a carriage return, which is none of it."""
        super().take(line.removesuffix(b"\r"), place)

    def _take_other(self, line: bytes, place: Place) -> None:
        del line, place
        self.account.other += 1

    def _begin(self, link: str, fields: dict[str, Any], place: Place) -> None:
        super()._begin(link, fields, place)
        self.account.starts += link == GENESIS

    def _follow(self, link: str, fields: dict[str, Any], place: Place) -> None:
        del fields
        if link == GENESIS:
            self.account.starts += 1
        else:
            self._check_link(link, self.account.head, place)

    def _count(self, fields: dict[str, Any]) -> None:
        super()._count(fields)
        self.account.torn += "torn" in fields
