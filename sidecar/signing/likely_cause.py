"""The form of an explanation: which answer of AWS it is for, and causes in order of likelihood."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that may be wrong, and what to do or to look at."""

    what: str
    action: str = ""

    def told(self, facts: dict[str, str]) -> str:
        """Write both on one line, with the facts of the case."""
        return ": ".join(filter(None, (self.what, self.action))).format_map(facts)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of refusal.

    Args:
        about: what AWS refuses, in a few words.
        causes: what is likely behind it, the most likely first.
        words: parts of AWS's message in lower case, any of which makes the row fit.
        codes: error codes that do.
        statuses: HTTP statuses that do when the answer has no code, so is not AWS's.

    """

    about: str
    causes: tuple[Cause, ...]
    words: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()

    def fits(self, status: int, code: str, folded_words: str) -> bool:
        """Whether this row is about such an answer; the words in lower case."""
        return (
            any(each in folded_words for each in self.words)
            or code in self.codes
            or (not code and status in self.statuses)
        )


def in_order(causes: tuple[str, ...]) -> str:
    """Write causes as one line; numbered when there are several."""
    if len(causes) == 1:
        return causes[0]
    numbered = (f"({number}) {cause}" for number, cause in enumerate(causes, 1))
    return "likely, in this order: " + "; ".join(numbered)
