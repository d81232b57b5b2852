"""The ``--config`` option, which several commands have."""

import argparse
from pathlib import Path


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--config``, which several commands have."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration (default: ./sidecar.toml, then /etc/sidecar/sidecar.toml, "
        "then variables alone)",
    )
