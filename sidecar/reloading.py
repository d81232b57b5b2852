"""Reading the configuration again while the doors are open: who is let in may change, no more."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Final

from sidecar.access_preflight import prepare_access
from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded
from sidecar.config.schema import Config
from sidecar.errors import ConfigError, Problem
from sidecar.interior import Interior

log = logging.getLogger(__name__)

# What a reload takes over; all else is what doors, roles and caches were made of.
RELOADED: Final = ("apps", "tokens", "issuers")


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What became of a reload.

    Args:
        apps: who is let in now.
        waiting: sections that have changed and wait for a restart.

    """

    apps: tuple[str, ...]
    waiting: tuple[str, ...]


class Reloading:
    """Takes over apps and tokens from the configuration, and has the identity looked at.

    Args:
        inside: what stands behind the doors.
        read: reads the present configuration; None where there is none, as for `exec`.
        environment: where tokens in variables are looked up.

    """

    def __init__(
        self,
        inside: Interior,
        read: Callable[[], Loaded] | None,
        environment: Mapping[str, str],
    ) -> None:
        self._inside = inside
        self._config = inside.config
        self._read = read
        self._environment = environment

    def reload(self) -> Reloaded:
        """Read everything again that can be taken over, and take it over if all of it is right.

        What came of it goes to the log, whoever asked. Certificate, key and the tokens of others
        are checked each by itself, as they are when they change without a reload.

        Raises:
            ConfigError: with every problem; what the configuration says has not changed then.

        """
        log.info("reading configuration, certificate, key and tokens again")
        if self._inside.held is not None:
            self._inside.held.reload()
        self._inside.access.read_static_tokens()
        try:
            waiting = () if self._read is None else self._take_over(self._read())
        except ConfigError as exc:
            told = "; ".join(map(_with_hint, exc.problems))
            log.warning("not reloaded, and nothing has changed: %s", told)
            raise
        apps = tuple(app.name for app in self._inside.access.callers.apps)
        log.info("reloaded; apps are %s", ", ".join(apps))
        if waiting:
            log.warning("only a restart takes over what changed in %s", ", ".join(waiting))
        return Reloaded(apps, waiting)

    def reload_on_signal(self) -> None:
        """Do as `reload`, where nobody waits to hear what came of it."""
        with suppress(ConfigError):
            self.reload()

    def _take_over(self, loaded: Loaded) -> tuple[str, ...]:
        new = loaded.config
        merged = replace(self._config, **{name: getattr(new, name) for name in RELOADED})
        prepared = prepare_access(
            merged,
            self._environment,
            self._inside.clock.now(),
            clock=self._inside.clock,
            faulty=loaded.faulty,
            until_now=self._inside.access.callers.access,
        )
        problems = [*loaded.problems, *inconsistencies(merged, loaded.faulty), *prepared.problems]
        if problems:
            raise ConfigError(loaded.with_variables(problems))
        self._inside.access.apply(prepared)
        return tuple(
            each.name
            for each in fields(Config)
            if each.name not in RELOADED
            and getattr(new, each.name) != getattr(self._config, each.name)
        )


def _with_hint(problem: Problem) -> str:
    return f"{problem} (hint: {problem.hint})" if problem.hint else str(problem)
