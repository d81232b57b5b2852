"""Clients get credentials at the link-local addresses of ECS, by a relative URI, and of EC2."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CLIENTS = ("boto3", "aiobotocore", "aws-cli")
FORMS = ("token", "token-file", "imds")
# A network of its own, in which the address may be added without touching the machine's.
NAMESPACE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what the clients printed in the namespace."""
    if missing := [each for each in ("unshare", "ip") if shutil.which(each) is None]:
        pytest.skip(f"no network namespace can be made here: {missing[0]} is missing")
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may make no network namespace, where 169.254.170.2 can be added")
    story = Path(__file__).with_name("link_local.py")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
    done = subprocess.run(
        [*NAMESPACE, sys.executable, str(story), str(tmp_path_factory.mktemp("link-local"))],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_an_unmodified_client_is_the_role(client: str, form: str, results: dict[str, Any]) -> None:
    code, out, err = results[f"{client} {form}"]
    assert (code, err) == (0, "")
    assert out.splitlines()[0].endswith(results["caller"])
