"""What a command loads before it works: AWS's CLI starts `credential-process` for every request."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.cli import COMMANDS, main

if TYPE_CHECKING:
    from tests.conftest import Aws

Words = Callable[..., list[str]]

SLOW = {"aiohttp", "aiohttp.web", "asyncio", "boto3", "botocore", "cryptography", "yarl"}
LOADED = """
import sys
from sidecar.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print("\\n", code, *sys.modules)
"""


def _loaded(*words: object) -> set[str]:
    """Give which slow modules a command loads."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    code, *modules = ended.stdout.splitlines()[-1].split()
    assert code == "0", ended.stderr
    return SLOW & {*modules}


@pytest.mark.parametrize(
    "name",
    [
        "credential-process",
        "update",
        "sign-string",
        "read-certificate-data",
        "exec",
        "status",
        "reload",
        "refresh",
        "invalidate",
    ],
)
def test_help_loads_nothing_slow(name: str) -> None:
    assert name in COMMANDS
    assert _loaded(name, "--help") == set()


def test_a_kept_session_is_printed_without_anything_slow(
    words: Words, tmp_path: Path, aws: "Aws"
) -> None:
    line = words("credential-process", "--cache-directory", tmp_path / "cache")
    assert main(line) == 0
    assert _loaded(*line) == set()
    assert aws.emulator.calls() == {"rolesanywhere.CreateSession": 1}


def test_a_new_session_needs_neither_boto3_nor_a_web_server(words: Words) -> None:
    line = words("credential-process")
    assert _loaded(*line) == {"aiohttp", "asyncio", "cryptography", "yarl"}


def test_aws_s_own_endpoint_is_looked_up_without_boto3() -> None:
    code = (
        "from sidecar.aws.endpoints import service_endpoint as s; s('rolesanywhere', 'eu-west-1')"
    )
    show = f"{code}; import sys; print('boto3' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "False\n"
