"""Who calls, by a token that somebody else signed: one issuer, its keys and its apps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sidecar.access.kept_key_set import KeptKeySet
from sidecar.access.key_set import KeySet, NoKeysYet, UnknownKey
from sidecar.access.outside_token import (
    IssuerRules,
    OutsideClaims,
    claims_match,
    verify_outside,
)
from sidecar.access.policy import App, matches
from sidecar.access.proof import Proof
from sidecar.access.refused import TokenNotAccepted


@dataclass(frozen=True, slots=True)
class OutsideApp:
    """An app, and what the tokens say that prove it.

    Args:
        app: the app.
        subject: pattern of the claim ``sub``, in which only ``*`` is special.
        claims: what else they must say; names as `claims_match` takes them.

    """

    app: App
    subject: str
    claims: Mapping[str, str]

    def is_proved_by(self, said: OutsideClaims) -> bool:
        """Whether a verified token is this app's."""
        return matches(self.subject, said.subject) and claims_match(self.claims, said.claims)


class OutsideIssuer:
    """Finds the app that a token of one issuer proves; what it finds is not remembered.

    Args:
        rules: what its tokens must be like.
        apps: the apps that prove themselves by them.
        keys: the issuer's keys.

    """

    def __init__(self, rules: IssuerRules, apps: tuple[OutsideApp, ...], keys: KeptKeySet) -> None:
        self.rules = rules
        self.apps = apps
        self.keys = keys

    @property
    def issuer(self) -> str:
        """The ``iss`` of its tokens."""
        return self.rules.issuer

    @property
    def trouble(self) -> str | None:
        """Why its keys could not be renewed last time, if they could not."""
        return self.keys.trouble

    @property
    def vouching(self) -> object:
        """What its tokens are verified with: another object once the keys have changed."""
        return self.keys.current

    async def run(self) -> None:
        """Keep its keys fresh for ever; ends only when cancelled."""
        await self.keys.run()

    async def identify(self, token: str, now: datetime) -> Proof:
        """Verify a token, and say which one app it proves.

        Waits only for a token whose key is not held, and then about half a second at the most.

        Raises:
            NoKeysYet: nothing can be verified so far, or too many wait for a key that is not held.
            TokenNotAccepted: anything else that is wrong with it.

        """
        try:
            said = await self._verified(token, now)
            return Proof(self._proved(said), said.token_id, said.issued_at, said.expires_at)
        except NoKeysYet:
            raise
        except TokenNotAccepted as exc:  # of several issuers the audit is to name this one
            reason = f"issuer {self.rules.name}: {exc.reason}"
            raise TokenNotAccepted(reason, token_id=exc.token_id) from None

    def _proved(self, said: OutsideClaims) -> App:
        found = [each.app for each in self.apps if each.is_proved_by(said)]
        if not found:
            raise TokenNotAccepted("no app has its subject and claims", token_id=said.token_id)
        if len(found) > 1:
            names = ", ".join(app.name for app in found)
            raise TokenNotAccepted(f"several apps have its subject and claims: {names}")
        return found[0]

    async def _verified(self, token: str, now: datetime) -> OutsideClaims:
        keys = self.keys.current
        try:
            return verify_outside(token, self.rules, keys or KeySet(()), now)
        except UnknownKey:
            if self.keys.crowded:
                raise NoKeysYet(f"too many wait for keys of issuer {self.rules.name}") from None
            if not await self.keys.renewed() and keys is not None:
                raise
        if self.keys.current is None:
            raise NoKeysYet(f"there are no keys of issuer {self.rules.name} so far")
        return verify_outside(token, self.rules, self.keys.current, now)
