"""The one token that a PKCS#11 URI names: its module loaded, a session opened, logged in."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pkcs11
from pkcs11 import TokenFlag

from sidecar.errors import IdentityError
from sidecar.identity.kept_password import KeptPassword
from sidecar.identity.password import PasswordFile, PasswordGiven
from sidecar.identity.pkcs11_module import initialised_tokens, load_module, module_candidates
from sidecar.identity.pkcs11_uri import Pkcs11Uri, write_uri
from sidecar.redaction import Secret

_Result = TypeVar("_Result")

# python-pkcs11 initialises a module as for a single thread; whoever is logged in, and whether the
# module is initialised at all, is a fact of the process. So there is one use at a time.
_ONE_AT_A_TIME: Final = threading.Lock()

_PIN_REFUSED: Final = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)


@dataclass(frozen=True, slots=True)
class TokenSession:
    """An open session.

    Args:
        session: python-pkcs11's session.
        token: the URI attributes of the token, for naming what is on it.
        pin: what it was logged in with; None without login.

    """

    session: pkcs11.Session
    token: Mapping[str, bytes]
    pin: Secret | None


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """How to get at one token, again and again."""

    uri: Pkcs11Uri
    module: Path | None
    pin: KeptPassword

    def run(self, work: Callable[[TokenSession], _Result], *, login: bool) -> _Result:
        """Do some work in a session of its own, by which a token that was put back is found again.

        A failure that is not about the PIN may come from what the module remembers of a token that
        was away, so the work is tried once more with the module initialised anew. A login is never
        tried twice.

        Args:
            work: gets the session; may be called twice.
            login: whether to log in, if the token wants it at all.

        Raises:
            IdentityError: no module, no such token or several, a refused PIN, or what `work` says.

        """
        with _ONE_AT_A_TIME:
            library = load_module(module_candidates(self.uri, self.module))
            try:
                try:
                    return self._attempt(library, work, login=login)
                except pkcs11.PKCS11Error:
                    library.reinitialize()
                    return self._attempt(library, work, login=login)
            except BaseException as exc:
                with suppress(pkcs11.PKCS11Error):  # it ends every session, in whatever state
                    library.finalize()
                if isinstance(exc, pkcs11.PKCS11Error):
                    raise self._failure(exc) from exc
                raise

    def _attempt(
        self, library: pkcs11.lib, work: Callable[[TokenSession], _Result], *, login: bool
    ) -> _Result:
        token, facts = self._only_token(library)
        session, pin = token.open(), None
        if login and token.flags & TokenFlag.LOGIN_REQUIRED:
            session.close()
            session, pin = self._log_in(token, facts)
        try:
            result = work(TokenSession(session, facts, pin))
        except _PIN_REFUSED:  # by a key that wants it for each signature
            if pin is None:
                raise
            raise self._refused(pin, token, facts) from None
        session.close()
        return result

    def _only_token(self, library: pkcs11.lib) -> tuple[pkcs11.Token, Mapping[str, bytes]]:
        """Find the token before a PIN is sent: one token's PIN is a wrong one to every other."""
        tokens = [each for each in initialised_tokens(library) if self.uri.allows(each[1])]
        if not tokens:
            raise pkcs11.NoSuchToken
        if len(tokens) > 1:
            listed = _listed(facts for _, facts in tokens)
            raise IdentityError(
                f"{len(tokens)} tokens fit the PKCS#11 URI: {listed}",
                hint="add token=… or serial=… of the one that is meant",
            )
        token, facts = tokens[0]
        return token, {name: facts[name] for name in ("token", "serial")}

    def _log_in(
        self, token: pkcs11.Token, facts: Mapping[str, bytes]
    ) -> tuple[pkcs11.Session, Secret]:
        """Open a session with the PIN; every failure is final, as it may have counted as a try."""
        if not self.pin.is_accepted:
            check_tries(token.flags, _name(token))
        pin = self.pin.read(write_uri(facts), _name(token))
        _check_text(pin, _name(token))
        try:
            session = token.open(user_pin=pin.reveal())
        except _PIN_REFUSED:
            raise self._refused(pin, token, facts) from None
        except pkcs11.PKCS11Error as exc:
            raise self._failure(exc) from exc
        self.pin.accept(pin)
        return session, pin

    def _refused(
        self, pin: Secret, token: pkcs11.Token, facts: Mapping[str, bytes]
    ) -> IdentityError:
        return self.pin.refuse(write_uri(facts), pin, _name(token))

    def _failure(self, exc: pkcs11.PKCS11Error) -> IdentityError:
        wanted = write_uri(self.uri.path)
        if isinstance(exc, pkcs11.NoSuchToken):
            return IdentityError(
                f"no token fits {wanted}",
                hint="insert it, or compare with what p11tool --list-tokens prints",
            )
        return IdentityError(
            f"the token of {wanted} failed: {type(exc).__name__} {exc}".rstrip(),
            hint="check that it is inserted, and try it with pkcs11-tool --login --test",
        )


def access_to(uri: Pkcs11Uri, module: Path | None, pin: KeptPassword) -> TokenAccess:
    """Say how to get at the URI's token; a PIN in the URI goes before the configured one.

    Raises:
        IdentityError: the URI has an attribute that nothing can match.

    """
    if uri.unknown:
        raise IdentityError(
            f"PKCS#11 URI has {uri.unknown[0]}, which is no attribute of RFC 7512",
            hint="attributes such as pin-value and module-path belong after a question mark",
        )
    if uri.pin_value is not None:
        pin = KeptPassword(PasswordGiven(uri.pin_value), "PIN")
    elif uri.pin_source is not None:
        pin = KeptPassword(PasswordFile(uri.pin_source), "PIN")
    return TokenAccess(uri, module, pin)


def check_tries(flags: TokenFlag, what: str) -> None:
    """Refuse to log in where a wrong PIN would lock the token, whether or not ours is right.

    A service that restarts, or a program that is called every minute, would otherwise use up all
    tries one by one.

    Raises:
        IdentityError: the token is locked, or one try is left.

    """
    if flags & TokenFlag.USER_PIN_LOCKED:
        raise IdentityError(
            f"{what} is locked after too many wrong PINs",
            hint="unlock it with its security officer's PIN",
        )
    if flags & TokenFlag.USER_PIN_FINAL_TRY:
        raise IdentityError(
            f"{what} has one try left before it locks itself, and it is not used up here",
            hint="log in once with the right PIN: pkcs11-tool --login --test",
        )


def _check_text(pin: Secret, what: str) -> None:
    """Refuse a PIN that is no UTF-8, which PKCS #11 wants (version 3.1, section 4.4)."""
    try:
        pin.encoded().decode()
    except UnicodeDecodeError:
        raise IdentityError(
            f"the PIN of {what} is not UTF-8", hint="write it in UTF-8 where it is configured"
        ) from None


def _name(token: pkcs11.Token) -> str:
    return f"token {token.label!r}"


def _listed(tokens: Iterator[Mapping[str, bytes]]) -> str:
    shown = ("model", "manufacturer", "serial", "token")
    return ", ".join(write_uri({name: facts[name] for name in shown}) for facts in tokens)
