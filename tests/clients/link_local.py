"""Run in a network namespace of its own: a sidecar where ECS and EC2 have theirs, and clients.

Prints a JSON object: for each client its exit code, stdout and stderr; and under ``caller`` the ARN
that they should all have printed.
"""
# ruff: noqa: T201 - what it prints is its result

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from sidecar.demo.process import daemon
from sidecar.demo.stage import Places, Stage, set_stage
from sidecar.emulator.server import running_emulator

PROGRAMS = Path(__file__).parent / "programs"
CLIENTS = {
    "boto3": [str(PROGRAMS / "with_boto3.py")],
    "aiobotocore": [str(PROGRAMS / "with_aiobotocore.py")],
    "aws-cli": ["-m", "awscli", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
}


def main(directory: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in ("169.254.170.2/32", "169.254.169.254/32"):
        subprocess.run(["ip", "addr", "add", address, "dev", "lo"], check=True)
    with running_emulator() as emulator:
        free = "127.0.0.1:0"
        places = Places(directory, emulator.url, "169.254.170.2:80", free, free)
        stage = set_stage(places, datetime.now(UTC))
        words = ["serve", "--config", str(stage.config)]
        environment = {**os.environ, "SIDECAR_DOORS_METADATA": "169.254.169.254:80"}
        with daemon(words, environment, directory / "sidecar.log") as serving:
            serving.line_with("(admin)")
            print(json.dumps(_results(directory, emulator.url, stage)))


def _results(directory: Path, endpoint_url: str, stage: Stage) -> dict[str, object]:
    common = {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": stage.region,
        "HOME": str(directory),
    }
    relative = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/credentials"}
    forms = (
        ("token", {**relative, "AWS_CONTAINER_AUTHORIZATION_TOKEN": stage.token.reveal()}),
        (
            "token-file",
            {**relative, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(stage.token_file)},
        ),
        ("imds", {"AWS_EC2_METADATA_V1_DISABLED": "true"}),
    )
    started = {
        f"{client} {form}": subprocess.Popen(
            [sys.executable, *words],
            env={**common, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for client, words in CLIENTS.items()
        for form, more in forms
    }
    results: dict[str, object] = {"caller": f"/{stage.session_name}"}
    for name, process in started.items():
        out, err = process.communicate(timeout=60)
        results[name] = [process.returncode, out, err]
    return results


if __name__ == "__main__":
    main(Path(sys.argv[1]))
