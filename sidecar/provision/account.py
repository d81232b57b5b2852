"""An AWS account as those who make things in it need it: calls, patience, and whose a thing is."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sidecar.errors import OperatorError, UpstreamError

# On everything that is made here, where its service has tags: what lacks it is somebody else's.
TAG: Final = "credential-sidecar:stack"

_PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 2.0


class Calls(Protocol):
    """The calls of AWS, by boto3's names; UpstreamError with AWS's code where it refuses one."""

    def ask(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Make one call."""

    def listed(self, service: str, operation: str, member: str, **arguments: Any) -> list[Any]:
        """Give the members of every page of a listing."""


@dataclass(frozen=True, slots=True)
class Surrounding:
    """Where things are made: the account's id, its partition, and the region."""

    account: str
    partition: str
    region: str


@dataclass(frozen=True, slots=True)
class Leave:
    """What a destruction may take with it that cannot be had back.

    Attributes:
        secrets_at_once: delete secrets without their recovery window.
        objects: empty buckets.

    """

    secrets_at_once: bool = False
    objects: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """One account, and the stack in it that is worked on.

    Attributes:
        calls: how AWS is asked.
        stack: the name of what is worked on, one of its name in each region.
        place: where things are made.
        function_zip: the rotation function's code; None leaves code that is there alone.
        may_delete: what a destruction may take with it.
        sleep: waits for so many seconds.

    """

    calls: Calls
    stack: str
    place: Surrounding
    function_zip: bytes | None = None
    may_delete: Leave = Leave()
    sleep: Callable[[float], None] = field(default=time.sleep)

    def ask(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Make one call; UpstreamError with AWS's code where it is refused."""
        return self.calls.ask(service, operation, **arguments)

    def find(
        self, absent: str | tuple[str, ...], service: str, operation: str, **arguments: Any
    ) -> Mapping[str, Any] | None:
        """Make one call; None when AWS answers with one of the codes that say it is not there."""
        try:
            return self.calls.ask(service, operation, **arguments)
        except UpstreamError as exc:
            if exc.code in ((absent,) if isinstance(absent, str) else absent):
                return None
            raise

    def patiently(
        self, lagging: Iterable[tuple[str, str]], service: str, operation: str, **arguments: Any
    ) -> Mapping[str, Any]:
        """Make a call that AWS is known to refuse until what it needs is known everywhere.

        Args:
            lagging: AWS's code, and what its sentence holds, of refusals that pass by themselves.
            service: as for `ask`.
            operation: as for `ask`.
            arguments: as for `ask`.

        """
        passing, waited = tuple(lagging), 0.0
        while True:
            try:
                return self.calls.ask(service, operation, **arguments)
            except UpstreamError as exc:
                passes = any(exc.code == code and text in exc.message for code, text in passing)
                if not passes or waited >= _PATIENCE_SECONDS:
                    raise
            self.sleep(_PAUSE_SECONDS)
            waited += _PAUSE_SECONDS

    @property
    def mark(self) -> str:
        """The tag's value: with the region, since IAM's names are those of all regions."""
        return f"{self.stack}@{self.place.region}"

    def tags(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """Give the tag as most services want it, by the names that they have for its halves."""
        return [{key: TAG, value: self.mark}]

    def owns(self, tags: Iterable[Mapping[str, str]] | Mapping[str, str]) -> bool:
        """Whether a thing with these tags, in any service's form, is of this stack."""
        if isinstance(tags, Mapping):
            return tags.get(TAG) == self.mark
        wanted = (TAG, self.mark)
        return any(
            (each.get("Key", each.get("key")), each.get("Value", each.get("value"))) == wanted
            for each in tags
        )


def open_account(calls: Calls, stack: str, region: str, zipped: bytes | None = None) -> Account:
    """Ask AWS whose credentials these are, and give the account.

    Raises:
        UpstreamError: AWS does not take them or does not answer.
        OperatorError: there are none.

    """
    identity = calls.ask("sts", "get_caller_identity")
    pieces = str(identity["Arn"]).split(":")
    if len(pieces) < 3:  # noqa: PLR2004 - arn:partition:…
        raise OperatorError("AWS did not say who asks", hint="see the endpoint's address")
    place = Surrounding(identity["Account"], pieces[1], region)
    return Account(calls, stack, place, zipped)
