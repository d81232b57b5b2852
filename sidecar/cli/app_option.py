"""The ``--app`` option, which several commands have, and the app that it names."""

import argparse

from sidecar.config.schema import Config
from sidecar.errors import ConfigError, Problem


def add_app_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--app``."""
    parser.add_argument(
        "--app", metavar="NAME", help="the app; must be named where there are several"
    )


def chosen_app(config: Config, name: str | None) -> str:
    """Give the name of the app that is meant.

    Raises:
        ConfigError: there is no such app, or there are several and none was named.

    """
    if name is None and len(config.apps) == 1:
        return next(iter(config.apps))
    if name is None or name not in config.apps:
        what = "must name one of several apps" if name is None else f"there is no app {name}"
        raise ConfigError([Problem("--app", what, f"one of {', '.join(config.apps)}")])
    return name
