"""What is in the images, and what is not."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.world.conftest import Engine

pytestmark = pytest.mark.world

PRODUCTION, EMULATOR = "credential-sidecar", "credential-sidecar-emulator"

# Prints what looks like key material or configuration.
FIND_SECRETS: Final = """
import os
NAMES = (".key", ".pem", ".p12", ".pfx", ".env", ".toml", "token")
for top in ("/opt", "/usr/local/bin", "/var/lib/sidecar", "/run", "/etc/sidecar", "/root", "/home"):
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith(NAMES):
                print(os.path.join(folder, name))
"""


@pytest.mark.parametrize("module", ["moto", "flask", "awscli", "pip", "hatchling"])
def test_production_holds_no_development_packages(built: "Engine", module: str) -> None:
    look = f"from importlib.util import find_spec; print(find_spec({module!r}) is not None)"
    assert built.python_in(PRODUCTION, look) == "False"


@pytest.mark.parametrize("module", ["moto", "flask", "awscli"])
def test_the_emulator_image_holds_what_the_emulator_needs(built: "Engine", module: str) -> None:
    look = f"from importlib.util import find_spec; print(find_spec({module!r}) is not None)"
    assert built.python_in(EMULATOR, look) == "True"


@pytest.mark.parametrize(
    ("image", "published"),
    [
        (PRODUCTION, {"cacert.pem"}),
        # moto publishes the key pair of its own proxy, which the emulator does not run.
        (EMULATOR, {"cacert.pem", "ca.key", "cert.key"}),
    ],
)
def test_images_hold_no_secret_files(built: "Engine", image: str, published: set[str]) -> None:
    found = built.python_in(image, FIND_SECRETS).splitlines()
    # Exactly what their packages publish: an empty answer would mean a search that cannot find.
    assert {Path(path).name for path in found} == published


@pytest.mark.parametrize("image", [PRODUCTION, EMULATOR])
def test_images_say_how_they_run(built: "Engine", image: str) -> None:
    config = built.inspect(image)["Config"]
    assert (config["User"], config["StopSignal"]) == ("65532:65532", "SIGTERM")
    assert config["Entrypoint"] == ["sidecar"]
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "probe"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


@pytest.mark.parametrize("image", [PRODUCTION, EMULATOR])
def test_images_hold_bytecode_for_every_module(built: "Engine", image: str) -> None:
    count = "import pathlib as p; print(len(list(p.Path('/opt/sidecar/lib').rglob('*.{}'))))"
    sources = int(built.python_in(image, count.format("py")))
    compiled = int(built.python_in(image, count.format("pyc")))
    assert compiled >= sources > 0
