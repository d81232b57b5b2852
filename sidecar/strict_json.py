"""JSON from strangers, read so that no two readers could take it for different things."""

import json
import math
from collections.abc import Iterable
from typing import Final, NoReturn

# What an issuer writes has four or five levels.
MOST_LEVELS: Final = 16


def read_object(content: bytes) -> dict[str, object]:
    """Read a JSON object in which every key stands once.

    RFC 8259 leaves to the reader which of two equal keys counts; here neither does.

    Raises:
        ValueError: anything else; the sentence quotes nothing of it.

    """
    try:
        found = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_without_doubles,
            parse_constant=_no_number,
            parse_float=_finite,
        )
    except _NotStrict:
        raise
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError:  # no UTF-8, no JSON, or a number with more digits than Python reads
        raise ValueError("is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("is not a JSON object")
    _check_depth(found)
    return found


class _NotStrict(ValueError):
    """JSON to some, but not here."""


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotStrict("has a key twice")
    return found


def _no_number(_: str) -> NoReturn:
    raise _NotStrict("has a number that JSON does not know")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotStrict("has a number that is too large")
    return number


def _check_depth(document: dict[str, object]) -> None:
    level: list[object] = [document]
    for _ in range(MOST_LEVELS):
        level = [inner for each in level for inner in _containers_in(each)]
        if not level:
            return
    raise ValueError("is nested too deeply")


def _containers_in(container: object) -> list[object]:
    inside: Iterable[object] = ()
    if isinstance(container, dict):
        inside = container.values()
    elif isinstance(container, list):
        inside = container
    return [each for each in inside if isinstance(each, dict | list)]
