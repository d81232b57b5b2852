"""Which secrets are to be held before anybody asks: ids, patterns of names, tags; pure values."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from sidecar.aws.secret import SecretFilter


@dataclass(frozen=True, slots=True)
class Selection:
    """Secrets that belong together, whichever they are.

    Args:
        label: what readiness and the log call it.
        filter: what AWS is asked for.
        includes: whether the secret of a name is one of them.

    """

    label: str
    filter: SecretFilter
    includes: Callable[[str], bool] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be held: ids of secrets, and selections."""

    ids: tuple[str, ...] = ()
    selections: tuple[Selection, ...] = ()


def wanted(
    prefetch: Iterable[str],
    tags: Iterable[tuple[str, str | None]],
    matches: Callable[[str, str], bool],
) -> Wanted:
    """Tell ids from patterns, which have a ``*``, and make selections of patterns and tags.

    Args:
        prefetch: ids, and patterns of names.
        tags: keys, each with a value or None for any.
        matches: whether a pattern fits a name.

    """
    texts = tuple(dict.fromkeys(prefetch))
    patterns = tuple(each for each in texts if "*" in each)
    by_name = (
        Selection(
            f"secrets {pattern}",
            SecretFilter(name_prefix=pattern.partition("*")[0]),
            partial(matches, pattern),
        )
        for pattern in patterns
    )
    by_tag = (
        Selection(
            f"secrets tagged {key}" if value is None else f"secrets tagged {key}={value}",
            SecretFilter(tag_key=key, tag_value=value),
            _any_name,
        )
        for key, value in dict.fromkeys(tags)
    )
    return Wanted(tuple(each for each in texts if "*" not in each), (*by_name, *by_tag))


def _any_name(_: str) -> bool:
    return True
