"""Telling one caller from another by the token that it shows."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sidecar.access.outside_token import MAX_OUTSIDE_TOKEN_LENGTH
from sidecar.access.own_token import OwnTokenRules, peek, verify
from sidecar.access.policy import App
from sidecar.access.proof import Proof
from sidecar.access.refused import TokenNotAccepted
from sidecar.access.token_key import TokenKey
from sidecar.access.tokens import AppTokens
from sidecar.clock import Clock

STATIC: Final = "static"

_REMEMBERED: Final = timedelta(seconds=60)
_MOST_REMEMBERED: Final = 1024
_JWT_DOTS: Final = 2


@dataclass(frozen=True, slots=True)
class Caller:
    """An app, and which of its tokens it has shown."""

    app: App
    token_id: str


class Outside(Protocol):
    """An issuer whose tokens count besides the sidecar's own."""

    @property
    def issuer(self) -> str:
        """The ``iss`` of its tokens."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why its keys could not be renewed last time, if they could not."""
        ...

    @property
    def vouching(self) -> object:
        """What its tokens are verified with: another object once that has changed."""
        ...

    async def identify(self, token: str, now: datetime) -> Proof:
        """Say what a token proves; TokenNotAccepted with the reason."""
        ...

    def run(self) -> Coroutine[Any, Any, None]:
        """Keep its keys fresh; ends only when cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class OwnTokens:
    """What the sidecar's own tokens are signed with, and which of them count."""

    key: TokenKey
    rules: OwnTokenRules


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in, as one value that is swapped whole.

    Args:
        apps: every app, in the order of the configuration.
        static: the tokens that users supply.
        own: the tokens that the sidecar signs.
        outside: the issuers of others.

    """

    apps: tuple[App, ...]
    static: AppTokens
    own: OwnTokens
    outside: tuple[Outside, ...] = ()

    def app(self, name: str) -> App | None:
        """Find an app by its name."""
        return next((each for each in self.apps if each.name == name), None)


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was found good.

    Args:
        caller: whose it is.
        ends_at: when it ends.
        until: when it is looked at again, by the clock that cannot be set.
        outside: the issuer that signed it, if it is not the sidecar.
        vouching: what it was verified with there.

    """

    caller: Caller
    ends_at: datetime
    until: float
    outside: Outside | None
    vouching: object

    def counts(self, clock: Clock) -> bool:
        """Whether it need not be looked at again: a key that is gone vouches for nothing."""
        vouching = None if self.outside is None else self.outside.vouching
        in_time = self.ends_at > clock.now() and self.until > clock.elapsed()
        return in_time and vouching is self.vouching


class Callers:
    """Finds the app behind a token, and remembers for a minute which tokens were found good.

    Args:
        access: who is let in.
        clock: the wall clock.

    """

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        # Known by a keyed hash: the time of a look-up tells nothing of the tokens that are held.
        self._hash_key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    @property
    def access(self) -> Access:
        """Who is let in at this moment."""
        return self._access

    @property
    def apps(self) -> tuple[App, ...]:
        """Every app of this moment."""
        return self._access.apps

    def replace(self, access: Access) -> None:
        """Let others in from now on; what is under way has been let in already."""
        self._access = access
        self._known.clear()

    async def identify(self, presented: bytes) -> Caller:
        """Find whose token this is; waits only while an outside issuer's keys are fetched.

        Raises:
            TokenNotAccepted: nobody's, with the reason.

        """
        if len(presented) > MAX_OUTSIDE_TOKEN_LENGTH:
            raise TokenNotAccepted(f"the token has more than {MAX_OUTSIDE_TOKEN_LENGTH} bytes")
        digest = hashlib.blake2b(presented, key=self._hash_key, digest_size=16).digest()
        known = self._remembered(digest)
        if known is not None:
            return known.caller
        access = self._access
        app = access.static.app_for(presented)
        if app is not None:
            return Caller(app, STATIC)
        found = await self._verified(presented, access)
        if access is not self._access:  # replaced while keys were fetched: what held is the past
            return await self.identify(presented)
        self._remember(digest, found)
        return found.caller

    async def _verified(self, presented: bytes, access: Access) -> _Known:
        try:
            token = presented.decode("ascii")
        except UnicodeDecodeError:
            raise TokenNotAccepted("the token belongs to no app") from None
        if token.count(".") != _JWT_DOTS:
            raise TokenNotAccepted("the token belongs to no app")
        now = self._clock.now()
        until = self._clock.elapsed() + _REMEMBERED.total_seconds()
        outside = self._outside(token, access)
        if outside is not None:
            vouching = outside.vouching
            proof = await outside.identify(token, now)
            name, token_id = proof.app.name, proof.token_id
            why = access.own.rules.why_taken_back(name, token_id, proof.issued_at)
            if why is not None:
                raise TokenNotAccepted(why, app=name, token_id=token_id)
            return _Known(Caller(proof.app, token_id), proof.ends_at, until, outside, vouching)
        said = verify(token, access.own.key, access.own.rules, now)
        found = access.app(said.app)
        if found is None:
            raise TokenNotAccepted(
                "the token's app is not configured", app=said.app, token_id=said.token_id
            )
        return _Known(Caller(found, said.token_id), said.ends_at, until, None, None)

    def _outside(self, token: str, access: Access) -> Outside | None:
        """Choose the issuer that a token claims; whether it is, its verification says."""
        if not access.outside:
            return None
        claimed = peek(token).get("iss")
        found = next((each for each in access.outside if each.issuer == claimed), None)
        if found is None and claimed is not None:  # the sidecar's own tokens have none
            raise TokenNotAccepted("the token's issuer (iss) is none of those configured")
        return found

    def _remembered(self, digest: bytes) -> _Known | None:
        found = self._known.get(digest)
        if found is None or found.counts(self._clock):
            return found
        del self._known[digest]
        return None

    def _remember(self, digest: bytes, found: _Known) -> None:
        self._known[digest] = found
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
