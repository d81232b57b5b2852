"""How long short commands take from start to end, beside an interpreter that does nothing.

Run: python -m benchmarks.start_time [ROUNDS]. Everything is measured in turn in one run, so that a
busy machine slows all alike: read the ratios, not the milliseconds. The table is Markdown.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sidecar.demo.stage import Places, set_stage
from sidecar.emulator.server import running_emulator

NOTHING = "python -c pass"
SIDECAR = (sys.executable, "-m", "sidecar")


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else 40
    with tempfile.TemporaryDirectory() as directory, running_emulator() as emulator:
        set_stage(Places(Path(directory), emulator.url), datetime.now(UTC))
        commands = _commands(Path(directory), emulator.url)
        for command in commands.values():
            _seconds(command)
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                taken[name].append(_seconds(command))
    machine = f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {rounds} rounds"
    sys.stdout.write("\n".join([machine, "", *_table(taken), ""]))


def _commands(directory: Path, endpoint: str) -> Mapping[str, Sequence[str]]:
    config = (directory / "sidecar.toml").read_text().splitlines()
    arns = dict(line.split(" = ") for line in config if "_arn = " in line)
    session = (
        *SIDECAR,
        "credential-process",
        f"--certificate={directory / 'workload.pem'}",
        f"--private-key={directory / 'workload.key'}",
        f"--endpoint={endpoint}",
        *(f"--{key.replace('_', '-')}={json.loads(arn)}" for key, arn in arns.items()),
    )
    return {
        NOTHING: (sys.executable, "-c", "pass"),
        "sidecar --version": (*SIDECAR, "--version"),
        "sidecar credential-process --help": (*SIDECAR, "credential-process", "--help"),
        "… a kept session": (*session, f"--cache-directory={directory / 'cache'}"),
        "… a new session": session,
        "import boto3": (sys.executable, "-c", "import boto3"),
    }


def _seconds(command: Sequence[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own
    return time.perf_counter() - begin


def _table(taken: Mapping[str, Sequence[float]]) -> list[str]:
    nothing = statistics.median(taken[NOTHING])
    rows = ["| command | median | p99 | times `python -c pass` |", "|---|---|---|---|"]
    for name, seconds in taken.items():
        median, p99 = statistics.median(seconds), statistics.quantiles(seconds, n=100)[-1]
        rows.append(
            f"| `{name}` | {median * 1000:.0f} ms | {p99 * 1000:.0f} ms | {median / nothing:.1f} |"
        )
    return rows


if __name__ == "__main__":
    main()
