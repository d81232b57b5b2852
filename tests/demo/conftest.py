"""The demo as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

DEMO_SECONDS = 120

Demo = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def leading_astray() -> dict[str, str]:
    """Give what leads boto3 and urllib elsewhere: an account, a missing profile, a proxy."""
    return {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/nowhere",
        "http_proxy": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
    }


@pytest.fixture(scope="session")
def demo() -> Demo:
    """Give a function that runs `sidecar demo` with further variables."""

    def run(**variables: str) -> "subprocess.CompletedProcess[str]":
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
        return subprocess.run(
            [sys.executable, "-m", "sidecar", "demo"],
            env={**inherited, **variables},
            capture_output=True,
            text=True,
            timeout=DEMO_SECONDS,
            check=False,
        )

    return run
