"""Telling every cache that a value has changed."""

from collections.abc import Iterator
from typing import Final, Protocol

from sidecar.secret_cache.reply_cache import ReplyCache
from sidecar.secret_cache.secret_kind import secret_names

# Parameters that stand for secrets: Systems Manager user guide, "Referencing AWS Secrets Manager
# secrets from Parameter Store parameters".
_REFERENCE: Final = "/aws/reference/secretsmanager/"
# A hyphen and six characters, which AWS appends to the name in an ARN.
_SUFFIX_LENGTH: Final = 7


class Values(Protocol):
    """A cache of secrets or of parameters, as far as it can be told of a change."""

    def invalidate(self, value_id: str, /) -> int:
        """Read a value again, under whatever name it is held; return how many entries that is."""
        ...

    def invalidate_all(self) -> int:
        """Let no value count as fresh; return how many entries that is."""
        ...

    def renew_all(self) -> int:
        """Read all values again, which stay as fresh as they are; return how many entries."""
        ...


class Invalidation:
    """What to call when something says that a secret or a parameter has changed.

    Raw replies say of no secret alone that they are about it; they are few and go all together.

    Args:
        secrets: the cache of secrets.
        parameters: the cache of parameters.
        replies: the cache of raw replies about either.

    """

    def __init__(self, secrets: Values, parameters: Values, replies: ReplyCache) -> None:
        self._secrets = secrets
        self._parameters = parameters
        self._replies = replies

    def secret(self, secret_id: str) -> int:
        """Read a secret again, given its name or a whole or partial ARN; count the entries.

        Parameters that refer to it by its name are read again too, and those that refer to it by an
        ARN if one is given here.
        """
        self._replies.invalidate(lambda _: True)
        references = {_REFERENCE + each for each in _ids(secret_id)}
        entries = sum(map(self._parameters.invalidate, references))
        return entries + self._secrets.invalidate(secret_id)

    def parameter(self, name: str) -> int:
        """Read a parameter again, given its name or ARN; count the entries."""
        self._replies.invalidate(lambda _: True)
        return self._parameters.invalidate(name)

    def everything(self) -> int:
        """Read all again that is held; count the entries."""
        self._replies.invalidate(lambda _: True)
        return self._secrets.invalidate_all() + self._parameters.invalidate_all()

    def whatever_changed(self) -> int:
        """Read all again that is held, as word may have been missed; no read waits for that."""
        self._replies.renew_all()
        return self._secrets.renew_all() + self._parameters.renew_all()


def _ids(secret_id: str) -> Iterator[str]:
    """Give the ids that a reference to the secret may have; one too many does no harm."""
    yield secret_id
    yield from secret_names(secret_id)
    if secret_id.startswith("arn:"):
        yield secret_id[:-_SUFFIX_LENGTH]
