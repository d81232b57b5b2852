"""The rotation function's zip holds what it needs and nothing that a Lambda lacks."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.rotation.conftest import BUILD, ROOT


def test_the_handler_comes_up_with_boto3_alone(zipped: Path) -> None:
    script = f"""
import sys
kept = [path for path in sys.path if not path.startswith({str(ROOT / "sidecar")!r})]
sys.path[:] = [{str(zipped)!r}, *kept]
for name in ("aiohttp", "jwt", "cryptography", "moto", "prometheus_client"):
    sys.modules[name] = None
from sidecar.rotation.lambda_handler import handler, reap_handler
import sidecar
print(sidecar.__file__)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout.strip() == f"{zipped}/sidecar/__init__.py"


def test_no_door_and_no_emulator_is_in_it(zipped: Path) -> None:
    names = zipfile.ZipFile(zipped).namelist()
    assert {name.split("/")[1] for name in names if name.count("/") > 1} == {
        "aws",
        "rotation",
        "signing",
    }


def test_the_same_source_gives_the_same_bytes(zipped: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    subprocess.run([sys.executable, BUILD, again], check=True, capture_output=True)
    assert again.read_bytes() == zipped.read_bytes()
