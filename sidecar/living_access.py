"""Who is let in, and what hangs on it: swapped together when the configuration is read again."""

import asyncio
import logging
from typing import Final

from sidecar.access.callers import Callers
from sidecar.access.token_file import TokenFiles
from sidecar.access.tokens import AppTokens
from sidecar.access_preflight import PreparedAccess
from sidecar.app_sessions import AppSessions
from sidecar.clock import Clock
from sidecar.errors import OperatorError

log = logging.getLogger(__name__)

_LOOK_AT_TOKEN_FILES_SECONDS: Final = 2.0


class LivingAccess:
    """The callers, their sessions and their token files.

    Args:
        prepared: what was read at start, without problems.
        admin_tokens: the admin door's token; None if it asks for none.
        sessions: every app's session of each of its roles.
        clock: the wall clock.

    """

    def __init__(
        self,
        prepared: PreparedAccess,
        admin_tokens: AppTokens | None,
        sessions: AppSessions,
        clock: Clock,
    ) -> None:
        self.callers = Callers(prepared.access, clock)
        self.sessions = sessions
        self.token_files = TokenFiles(prepared.places, lambda: self.callers.access.own, clock)
        self.admin_tokens = admin_tokens
        self._background = sessions.background
        self._clock = clock
        self._has_written = False
        self._outside: list[asyncio.Task[None]] = []

    def write_first_tokens(self) -> None:
        """Write the token files before anybody hears that the doors are open.

        SDKs fail where the file is missing.

        Raises:
            OperatorError: one could not be written.

        """
        self.token_files.bring_up_to_date()
        for trouble in self.token_files.troubles().values():
            raise OperatorError(trouble, hint="check the directory")
        self._has_written = True

    def pending(self) -> dict[str, str]:
        """Say that the token files are waited for, until the first of each is written."""
        return {} if self._has_written else {"token files": "not written yet"}

    def start(self) -> None:
        """Begin to renew sessions and tokens."""
        self.sessions.start(self.callers.apps)
        self._background.start(self.token_files.run())
        self._background.start(self._watch_static_tokens())
        self._ask_outside()

    def apply(self, prepared: PreparedAccess) -> None:
        """Let others in from now on, all at once.

        Args:
            prepared: what was read, without problems.

        """
        self.sessions.assign(prepared.access.apps)
        self.callers.replace(prepared.access)
        self.token_files.replace(prepared.places)
        self.token_files.bring_up_to_date()
        for task in self._outside:
            task.cancel()
        self._ask_outside()
        for warning in prepared.warnings:
            log.warning("%s", warning)

    def _ask_outside(self) -> None:
        outside = self.callers.access.outside
        self._outside = [self._background.start(issuer.run()) for issuer in outside]

    async def _watch_static_tokens(self) -> None:
        """Notice a replaced token file even when nobody has used the new token yet."""
        while True:
            await self._clock.sleep(_LOOK_AT_TOKEN_FILES_SECONDS)
            self.read_static_tokens()

    def warnings(self) -> dict[str, str]:
        """Say which tokens and keys could not be renewed, and why."""
        outside = ((each.issuer, each.trouble) for each in self.callers.access.outside)
        return {
            **self.token_files.troubles(),
            **{f"keys of issuer {name}": trouble for name, trouble in outside if trouble},
        }

    def read_static_tokens(self) -> None:
        """Read again the token files of others that have changed."""
        self.callers.access.static.reload()
        if self.admin_tokens is not None:
            self.admin_tokens.reload()
