"""A Docker engine, both images built from the working tree, and both compose files brought up."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
BUILD_SECONDS: Final = 900
UP_SECONDS: Final = 180
COMMAND_SECONDS: Final = 60


def _ended(
    *command: str, seconds: float = COMMAND_SECONDS, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    # Where this runs, a build's own network may reach no package index; users are not affected.
    environment = {"SIDECAR_BUILD_NETWORK": "host"} | os.environ | dict(variables or {})
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=ROOT,
        env=environment,
        check=False,
    )


@dataclass(frozen=True)
class Engine:
    """The Docker engine, and the compose command that is at hand."""

    compose: tuple[str, ...]

    def ended(
        self,
        *command: str,
        seconds: float = COMMAND_SECONDS,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command at the top of the repository to its end, whatever its exit code."""
        return _ended(*command, seconds=seconds, variables=variables)

    def output(self, *command: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run a command that must succeed and return its stdout."""
        done = _ended(*command, seconds=seconds)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def inspect(self, thing: str) -> dict[str, Any]:
        """Return what the engine knows of a container or an image."""
        found: dict[str, Any] = json.loads(self.output("docker", "inspect", thing))[0]
        return found

    def python_in(self, image: str, program: str) -> str:
        """Run a few lines of Python in an image, as root so that nothing is hidden from them."""
        run = ("docker", "run", "--rm", "--user", "0", "--entrypoint", "python3")
        return self.output(*run, image, "-c", program)


@dataclass(frozen=True)
class Project:
    """One compose file, up under a project name of its own."""

    engine: Engine
    name: str
    file: str

    def command(self, *arguments: str) -> tuple[str, ...]:
        return (*self.engine.compose, "-f", self.file, "-p", self.name, *arguments)

    def compose(self, *arguments: str) -> str:
        return self.engine.output(*self.command(*arguments))

    def up(self) -> None:
        done = self.engine.ended(*self.command("up", "-d"), seconds=UP_SECONDS)
        assert done.returncode == 0, done.stderr + self.compose("logs", "--no-color")

    def container(self, service: str) -> str:
        labels = {"project": self.name, "service": service, "oneoff": "False"}
        filters = [f"--filter=label=com.docker.compose.{each}={labels[each]}" for each in labels]
        return self.engine.output("docker", "ps", "-a", "-q", *filters)

    def execute(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        return self.engine.ended("docker", "exec", self.container(service), *command)

    def inspect(self, service: str) -> dict[str, Any]:
        return self.engine.inspect(self.container(service))

    def run_app(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run another command in one more container of the app's, and remove that."""
        # docker-compose 1.29 links it to one that still runs, which a joined namespace forbids.
        self.app_result()
        words = ("run", "--rm", "-T", "--no-deps", "--entrypoint", command[0], "app", *command[1:])
        return self.engine.ended(*self.command(*words))

    def app_result(self) -> tuple[int, list[str]]:
        """Wait for the end of the app's latest run; return its exit code and what it printed."""
        app = self.container("app")
        code = int(self.engine.output("docker", "wait", app))
        started: str = self.engine.inspect(app)["State"]["StartedAt"]
        return code, self.engine.output("docker", "logs", "--since", started, app).splitlines()


@pytest.fixture(scope="session")
def engine() -> Engine:
    if _ended("docker", "info").returncode != 0:
        pytest.skip("no Docker engine answers; .ci/docker-engine starts one")
    if _ended("docker", "compose", "version").returncode == 0:
        return Engine(("docker", "compose"))
    assert shutil.which("docker-compose"), "neither `docker compose` nor docker-compose is here"
    return Engine(("docker-compose",))


@pytest.fixture(scope="session")
def built(engine: Engine) -> Engine:
    """Give the engine once it has both images, built from the working tree."""
    engine.output(str(ROOT / ".ci" / "base-image"), seconds=BUILD_SECONDS)
    engine.output(*engine.compose, "-f", "docker-compose.yml", "build", seconds=BUILD_SECONDS)
    return engine


def _running(engine: Engine, file: str) -> Iterator[Project]:
    """Bring a compose file up, and take it down with all that it made."""
    project = Project(engine, f"sidecar-world-{uuid.uuid4().hex[:8]}", file)
    try:
        project.up()
        yield project
    finally:
        project.compose("down", "-v", "--remove-orphans")


@pytest.fixture(scope="session")
def loopback(built: Engine) -> Iterator[Project]:
    yield from _running(built, "docker-compose.yml")


@pytest.fixture(scope="module")
def link_local(built: Engine) -> Iterator[Project]:
    """Give it to one module at a time: its network's addresses are fixed, so there can be one."""
    with (Path(tempfile.gettempdir()) / "sidecar-world-link-local.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from _running(built, "docker-compose.link-local.yml")


@pytest.fixture(params=["loopback", "link_local"])
def project(request: pytest.FixtureRequest) -> Project:
    """Each layout in turn."""
    found: Project = request.getfixturevalue(request.param)
    return found
