"""An app in a container has temporary credentials alone, good for what its role may do."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from sidecar.demo.administrator import administrator
from sidecar.demo.own_environment import own_environment
from sidecar.demo.stage import ROLE_NAME

if TYPE_CHECKING:
    from tests.world.conftest import Project

pytestmark = pytest.mark.world

# Prints what the SDK has found, and where a variable or a file that the app can read has the id of
# a long-lived key; the packages' own examples are left out.
LOOK: Final = """
import json, os, pathlib, re
import boto3
found = boto3.Session().get_credentials()
key = found.get_frozen_credentials()
places = {name: value.encode() for name, value in os.environ.items()}
for top in ("/app", "/run", "/var", "/etc", "/tmp", "/home", "/root"):
    for path in pathlib.Path(top).rglob("*"):
        if path.is_file() and os.access(path, os.R_OK):
            places[str(path)] = path.read_bytes()
print(json.dumps({
    "method": found.method,
    "kind": key.access_key[:4],
    "session token": bool(key.token),
    "long-lived": [name for name in places if re.search(rb"AKIA[A-Z0-9]{12,}", places[name])],
    "token file": "/run/sidecar/token" in places,
}))
"""


def test_the_app_has_temporary_credentials_and_no_long_lived_key(project: "Project") -> None:
    looked = project.run_app("python3", "-c", LOOK)
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout) == {
        "method": "container-role",
        "kind": "ASIA",
        "session token": True,
        "long-lived": [],
        "token file": True,
    }


@pytest.fixture
def forbid(project: "Project") -> Iterator[Callable[[str], None]]:
    """Give a function that takes one action from the app's role until the test ends."""
    (network,) = project.inspect("emulator")["NetworkSettings"]["Networks"].values()
    url = f"http://{network['IPAddress']}:4566"
    with own_environment(Path("/nonexistent")):  # the host's proxy would not know that address
        iam: Any = administrator(url).client("iam", endpoint_url=url)
    named = {"RoleName": ROLE_NAME, "PolicyName": "demo"}
    policy = iam.get_role_policy(**named)["PolicyDocument"]

    def take(action: str) -> None:
        left = [each for each in policy["Statement"] if each["Action"] != action]
        changed = json.dumps({**policy, "Statement": left})
        iam.put_role_policy(**named, PolicyDocument=changed)

    yield take
    iam.put_role_policy(**named, PolicyDocument=json.dumps(policy))


@pytest.mark.parametrize(
    ("project", "action", "operation"),
    [
        ("loopback", "s3:GetObject", "GetObject"),
        ("loopback", "kms:Decrypt", "Decrypt"),
        ("loopback", "lambda:InvokeFunction", "Invoke"),
        ("link_local", "kms:Decrypt", "Decrypt"),
    ],
    indirect=["project"],
)
def test_without_permission_the_app_is_refused(
    project: "Project", forbid: Callable[[str], None], action: str, operation: str
) -> None:
    forbid(action)
    refused = project.run_app("python3", "/app/score_with_model.py")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "AccessDenied" in refused.stderr
    assert f"when calling the {operation} operation: " in refused.stderr
