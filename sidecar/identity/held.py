"""The identity in use: replaced as a whole when its files hold a good new one, and only then."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from sidecar.clock import Clock, iso_seconds
from sidecar.errors import IdentityError
from sidecar.identity.checks import Finding, Severity, check_identity
from sidecar.identity.examined import told
from sidecar.identity.identity import Identity
from sidecar.identity.places import IdentityPlaces, is_pkcs11, is_tpm
from sidecar.identity.reading import Usable, look_at, read_places
from sidecar.identity.reload_policy import LOOK_EVERY_SECONDS, after_reading, decide
from sidecar.identity.reminders import CHECK_EVERY_SECONDS, due_reminders
from sidecar.signing.x509 import CertifiedKey

log = logging.getLogger(__name__)


class HeldIdentity:
    """The identity in use, and the watch on its files.

    Files are looked at by their metadata every two seconds rather than by inotify, which is silent
    on NFS and on many bind mounts. They are read in a thread. Only `look` changes what is held, by
    one assignment; what is signing at that moment goes on with the key that it has.

    Args:
        identity: what was read and checked at start.
        places: where it was read from, with a password that is there without asking.
        clock: the wall clock.

    """

    def __init__(self, identity: Identity, places: IdentityPlaces, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._held = Usable.of(identity)
        # A file that was replaced since the start read it is noticed by the second reading.
        self._repeat = not _on_a_device(places)
        self._watch = after_reading(
            None, look_at(places.files), clock.elapsed(), good=True, repeat=self._repeat
        )
        self._asked = False
        self._refused: set[str] = set()
        self._check_at = clock.elapsed() + CHECK_EVERY_SECONDS
        # What is found at start, the start itself tells.
        at_start = check_identity(identity, clock.now())
        _, self._reminded = due_reminders(at_start, {}, clock.elapsed())
        self._on_change: list[Callable[[Identity], None]] = []
        self._on_refusal: list[Callable[[IdentityError], None]] = []
        self._on_finding: list[Callable[[Finding], None]] = []

    @property
    def current(self) -> Identity:
        """The identity in use."""
        return self._held.identity

    def key(self) -> CertifiedKey:
        """Give what to sign with at this moment.

        Raises:
            IdentityError: the certificate has expired. AWS would refuse it, in words that name
                another reason. An expired issuer is let pass: it may not be on AWS's path.

        """
        held = self._held
        now, ends = self._clock.now(), held.identity.certificate.not_valid_after_utc
        if now > ends:
            raise IdentityError(
                f"the certificate expired at {iso_seconds(ends)}, and it is {iso_seconds(now)}",
                hint="renew it: it is taken into use without a restart; or correct the clock",
            )
        return held.key

    def on_change(self, listener: Callable[[Identity], None]) -> None:
        """Call `listener` with every new identity, once it is in use."""
        self._on_change.append(listener)

    def on_refusal(self, listener: Callable[[IdentityError], None]) -> None:
        """Call `listener` when the files hold what is not used, once for each problem."""
        self._on_refusal.append(listener)

    def on_finding(self, listener: Callable[[Finding], None]) -> None:
        """Call `listener` with what is, or soon will be, wrong, when it begins and once a day."""
        self._on_finding.append(listener)

    def reload(self) -> None:
        """Have everything read again at the next look, whether it has changed or not."""
        self._asked = True

    async def run(self) -> None:
        """Watch for ever; ends only when cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Look at the files once, and read them if that is due."""
        asked, self._asked = self._asked, False
        seen = await asyncio.to_thread(look_at, self._places.files)
        elapsed = self._clock.elapsed()
        self._watch, due = decide(self._watch, seen, elapsed, asked=asked)
        if due:
            await self._read(asked=asked)
        if elapsed >= self._check_at:
            self._check_at = elapsed + CHECK_EVERY_SECONDS
            self._remind(check_identity(self.current, self._clock.now()))

    async def _read(self, *, asked: bool) -> None:
        reading = await asyncio.to_thread(read_places, self._places, self._clock.now())
        if reading.look is None:
            # Written to while it was read: the next looks see that it has changed.
            self._asked = self._asked or asked
            return
        self._watch = after_reading(
            self._watch,
            reading.look,
            self._clock.elapsed(),
            good=isinstance(reading.found, Usable),
            repeat=self._repeat,
        )
        if isinstance(reading.found, IdentityError):
            self._refuse(reading.found, asked=asked)
        elif asked or not self._issuers_may_come(reading.found.identity):
            self._take(reading.found, asked=asked)

    def _issuers_may_come(self, new: Identity) -> bool:
        """Whether the issuers in the files seem to be still those of the certificate before.

        It is only a guess: without them the new one is used at the second reading.
        """
        first = self._repeat and self._watch.reads == 1
        return first and bool(self.current.chain and new.left_out) and not new.chain

    def _refuse(self, problem: IdentityError, *, asked: bool) -> None:
        """Say, once for each problem, that what the files hold is not used."""
        if problem.message in self._refused and not asked:
            return
        self._refused.add(problem.message)
        for listener in self._on_refusal:
            listener(problem)
        log.warning(
            "identity: what its files hold now is not used: %s%s; the one in use stays, %s",
            problem.message,
            f" (hint: {problem.hint})" if problem.hint else "",
            _described(self.current),
        )

    def _take(self, found: Usable, *, asked: bool) -> None:
        old, new = self.current, found.identity
        same = (old.certificate, old.chain) == (new.certificate, new.chain)
        self._held = found
        if same:
            # The key may be another object all the same: that of a token which was put back.
            if asked or self._refused:
                log.info("identity: read again, it is the one in use, %s", _described(new))
            self._refused.clear()
            return
        self._refused.clear()
        log.info("identity: new, %s; before: %s", _described(new), _described(old))
        self._remind(found.findings)
        for listener in self._on_change:
            try:
                listener(new)
            except Exception:  # a bug in a listener must not end the watch
                log.exception("identity: a listener failed on a new identity")

    def _remind(self, findings: Iterable[Finding]) -> None:
        """Say what is wrong, or soon will be, with the identity in use."""
        due, self._reminded = due_reminders(findings, self._reminded, self._clock.elapsed())
        for each in due:
            level = logging.ERROR if each.severity is Severity.ERROR else logging.WARNING
            log.log(level, "identity: %s (hint: %s)", told(each), each.hint)
            for listener in self._on_finding:
                listener(each)


def _on_a_device(places: IdentityPlaces) -> bool:
    return any(is_pkcs11(each) or is_tpm(each) for each in (places.certificate, places.key_locator))


def _described(identity: Identity) -> str:
    certificate = identity.certificate
    ends = iso_seconds(certificate.not_valid_after_utc)
    subject = certificate.subject.rfc4514_string() or "(no subject)"
    return f"{subject} with serial {certificate.serial_number:x}, valid until {ends}"
