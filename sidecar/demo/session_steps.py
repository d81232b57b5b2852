"""The first half of the demo: programs without keys, by temporary credentials."""

import json
import time
import urllib.request
from typing import Any, Final

from sidecar.demo.application_data import DATABASE, JOB_VARIABLES, REPORTS
from sidecar.demo.process import PROGRAMS, run_program
from sidecar.demo.result import Act, Result
from sidecar.demo.scene import Scene
from sidecar.redaction import MASK

_SCORE: Final = "score 112"
_SETTLED_SECONDS: Final = 0.2


def _boto3_script(scene: Scene) -> Result:
    code, out, err = run_program([str(PROGRAMS / "list_buckets.py")], scene.environment())
    return Result(code == 0 and REPORTS in out.splitlines(), out or err)


def _aws_cli(scene: Scene) -> Result:
    code, out, err = run_program(
        ["-m", "awscli", "s3api", "list-buckets", "--query", "Buckets[].Name", "--output", "text"],
        scene.environment(),
    )
    return Result(code == 0 and REPORTS in out.split(), out or err)


def _by_agent_protocol(scene: Scene) -> Result:
    return _secret_by(scene, f"/secretsmanager/get?secretId={DATABASE}", asked=1)


def _by_path(scene: Scene) -> Result:
    return _secret_by(scene, f"/v1/{DATABASE}", asked=0)


def _secret_by(scene: Scene, path: str, *, asked: int) -> Result:
    """Read the secret with one GET, as programs read AWS's own agent."""
    before = _calls(scene)
    environment = {
        "SECRET_URL": scene.doors["secrets"] + path,
        "AWS_TOKEN": scene.token("app").reveal(),
    }
    code, out, err = run_program([str(PROGRAMS / "read_secret.py")], environment)
    calls = _calls(scene) - before
    shown = (out or err).replace(scene.data.database.reveal(), MASK)
    right = code == 0 and out.endswith(scene.data.database.reveal()) and calls == asked
    return Result(right, f"{shown}\nGetSecretValue calls at AWS: {calls}")


def _by_boto3(scene: Scene) -> Result:
    before = _calls(scene)
    environment = scene.environment() | {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": scene.doors["aws_api"],
        "SECRET_ID": DATABASE,
    }
    code, out, err = run_program([str(PROGRAMS / "get_secret_value.py")], environment)
    calls = _calls(scene) - before
    shown = (out or err).replace(scene.data.database.reveal(), MASK)
    right = code == 0 and out.endswith(scene.data.database.reveal()) and calls == 0
    return Result(right, f"{shown}\nGetSecretValue calls at AWS: {calls}")


def _caller_identity(scene: Scene) -> Result:
    code, out, err = run_program([str(PROGRAMS / "who_am_i.py")], scene.environment())
    return Result(code == 0 and out.endswith(f"/{scene.session_name()}"), out or err)


def _encrypted_model(scene: Scene) -> Result:
    environment = scene.environment() | JOB_VARIABLES
    code, out, err = run_program([str(PROGRAMS / "score_with_model.py")], environment)
    return Result(code == 0 and out.endswith(_SCORE), out or err)


def _calls(scene: Scene) -> int:
    """Count GetSecretValue at AWS, once whatever the last rotation led to is over."""
    counted = -1
    while (now := _counted(scene)) != counted:
        counted = now
        time.sleep(_SETTLED_SECONDS)
    return counted


def _counted(scene: Scene) -> int:
    url = f"{scene.emulator_url}/_emulator/calls"
    with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - loopback
        calls: dict[str, Any] = json.load(response)
    return int(calls.get("secretsmanager.GetSecretValue", 0))


SESSION_STEPS: Final[tuple[tuple[str, Act], ...]] = (
    ("an unmodified boto3 script without keys lists the buckets", _boto3_script),
    ("the AWS CLI does the same", _aws_cli),
    ("a secret is read as from AWS's own agent", _by_agent_protocol),
    ("the same by its path, and AWS is not asked again", _by_path),
    ("boto3's own get_secret_value gets it from the same memory", _by_boto3),
    ("AWS knows the caller by the certificate's serial number", _caller_identity),
    ("a job decrypts a model (S3, KMS) and invokes a function (Lambda)", _encrypted_model),
)
