"""The ``--socket`` option of the commands that ask a running sidecar, and the socket it means."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from sidecar.cli.config_option import add_config_argument
from sidecar.config.control_section import control_place, why_nowhere
from sidecar.config.load import read_config
from sidecar.errors import ConfigError, OperatorError

_HINT = "name the sidecar's socket by --socket, or set control.socket in its configuration"


def add_control_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``--socket`` and ``--config``."""
    parser.add_argument(
        "--socket",
        type=Path,
        metavar="PATH",
        help="the sidecar's control socket (default: control.socket of the configuration, or "
        "where a sidecar of this user has it)",
    )
    add_config_argument(parser)


def chosen_socket(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Path:
    """Say where to ask.

    Only ``[control]`` is read of the configuration, so that mistakes elsewhere hinder nobody.

    Raises:
        ConfigError: the configuration cannot be read, or its ``[control]`` is wrong.
        OperatorError: there is no place for a control socket.

    """
    if arguments.socket is not None:
        path: Path = arguments.socket
        return path
    loaded = read_config(arguments.config, environment)
    if "control" in loaded.faulty:
        raise ConfigError([each for each in loaded.problems if each.where.startswith("control")])
    section = loaded.config.control
    place = control_place(section, environment)
    if place is not None:
        return place.path
    raise OperatorError(f"there is no control socket: {why_nowhere(section)}", hint=_HINT)
