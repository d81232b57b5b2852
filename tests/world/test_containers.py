"""Both compose files, run for real: what an app gets, and what nobody else does."""

import socket
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from tests.world.conftest import Engine, Project

pytestmark = pytest.mark.world

PRINTED: Final = ["demo-models", "demo-reports", "52 encrypted bytes, score 112"]
PREPARED: Final = "/var/lib/sidecar"

# Connects once and says how that went; run inside containers, where no curl is.
KNOCK: Final = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
except OSError as error:
    sys.exit(type(error).__name__)
print("open")
"""
# Prints the status of a GET without a token.
ASK: Final = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=3)
connection.request("GET", "/credentials")
print(connection.getresponse().status)
"""


def test_an_unmodified_app_lists_buckets_decrypts_a_model_and_invokes_a_function(
    project: "Project",
) -> None:
    assert project.app_result() == (0, PRINTED)


def test_the_sidecar_becomes_healthy(project: "Project") -> None:
    assert project.inspect("sidecar")["State"]["Health"]["Status"] == "healthy"


def test_the_sidecar_can_be_asked_in_its_container(project: "Project") -> None:
    asked = project.execute("sidecar", "sidecar", "status")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert ": ready, up for " in asked.stdout


@pytest.mark.parametrize("service", ["emulator", "setup", "sidecar", "app"])
def test_every_container_is_locked_down(project: "Project", service: str) -> None:
    container = project.inspect(service)
    host = container["HostConfig"]
    assert container["Config"]["User"] == "65532:65532"
    assert (host["ReadonlyRootfs"], host["Privileged"]) == (True, False)
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None)
    assert "no-new-privileges:true" in host["SecurityOpt"]


def test_the_file_system_cannot_be_written(project: "Project") -> None:
    refused = project.execute("sidecar", "touch", "/opt/sidecar/written")
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr
    assert project.execute("emulator", "touch", "/tmp/written").returncode == 0


def test_the_app_has_its_token_and_no_key(project: "Project") -> None:
    mounts = {mount["Destination"]: mount for mount in project.inspect("app")["Mounts"]}
    assert sorted(mounts) == ["/app", "/run/sidecar"]
    assert not any(mount["RW"] for mount in mounts.values())


def test_a_second_up_leaves_everything_working(project: "Project") -> None:
    project.up()
    assert project.app_result() == (0, PRINTED)


@pytest.mark.parametrize("port", [9911, 2773, 9913], ids=["credentials", "secrets", "admin"])
def test_outsiders_cannot_reach_the_loopback_doors(loopback: "Project", port: int) -> None:
    inside = loopback.execute("sidecar", "python3", "-c", KNOCK, "127.0.0.1", str(port))
    assert inside.stdout == "open\n"
    other_container = loopback.execute("emulator", "python3", "-c", KNOCK, "sidecar", str(port))
    assert other_container.stderr == "ConnectionRefusedError\n"
    (network,) = loopback.inspect("sidecar")["NetworkSettings"]["Networks"].values()
    with pytest.raises(ConnectionRefusedError):  # this is the host
        socket.create_connection((network["IPAddress"], port), timeout=3)


def test_the_link_local_app_has_only_the_relative_uri(link_local: "Project") -> None:
    variables = [each.split("=", 1) for each in link_local.inspect("app")["Config"]["Env"]]
    aws = {name: value for name, value in variables if name.startswith("AWS_")}
    assert aws["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] == "/credentials"
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" not in aws
    assert not any("KEY" in name for name in aws)


def test_the_link_local_network_gets_nothing_without_the_token(link_local: "Project") -> None:
    network = f"--network={link_local.name}_link-local"
    python = ("docker", "run", "--rm", network, "--entrypoint", "python3", "credential-sidecar")
    assert link_local.engine.output(*python, "-c", ASK, "169.254.170.2:80") == "401"


def test_other_networks_cannot_reach_the_link_local_door(link_local: "Project") -> None:
    outside = link_local.execute("emulator", "python3", "-c", KNOCK, "169.254.170.2", "80")
    assert outside.returncode != 0
    # The emulator shares another network with the sidecar, where it is up but this door is not.
    other_address = link_local.execute("emulator", "python3", "-c", KNOCK, "sidecar", "80")
    assert other_address.stderr == "ConnectionRefusedError\n"


@pytest.fixture
def start_another(loopback: "Project") -> Iterator[Callable[..., str]]:
    """Give a function that runs one more sidecar until its doors are open."""
    started: list[str] = []

    def start(*command: str, **variables: str) -> str:
        options = [f"-e{name}={value}" for name, value in variables.items()]
        printed = loopback.compose("run", "-d", "--no-deps", *options, "sidecar", *command)
        started.append(printed.splitlines()[-1])
        follow = ["docker", "logs", "-f", started[-1]]
        with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as logs:
            assert logs.stdout is not None
            assert any(line.endswith("(admin)\n") for line in logs.stdout)
            logs.terminate()
        return started[-1]

    try:
        yield start
    finally:
        for container in started:
            loopback.engine.output("docker", "rm", "-f", container)


def test_docker_stop_ends_with_exit_code_0(
    engine: "Engine", start_another: Callable[..., str]
) -> None:
    sidecar = start_another()
    engine.output("docker", "stop", "-t", "30", sidecar)
    state = engine.inspect(sidecar)["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_a_sidecar_without_aws_is_alive_but_not_ready(
    engine: "Engine", start_another: Callable[..., str]
) -> None:
    sidecar = start_another(AWS_ENDPOINT_URL="http://127.0.0.1:9")
    alive = engine.ended("docker", "exec", sidecar, "probe", "http://127.0.0.1:9913/healthz")
    ready = engine.ended("docker", "exec", sidecar, "probe", "http://127.0.0.1:9913/readyz")
    assert (alive.returncode, ready.returncode) == (0, 1)
    assert ready.stderr == "probe: status 503: http://127.0.0.1:9913/readyz\n"


def variables_alone(prepared: dict[str, Any]) -> dict[str, str]:
    """Say in variables what a prepared sidecar.toml says."""
    role = prepared["roles"]["default"]
    return {
        "SIDECAR_CERTIFICATE": prepared["identity"]["certificate"],
        "SIDECAR_PRIVATE_KEY": prepared["identity"]["private_key"],
        **{f"SIDECAR_{key.upper()}": value for key, value in role.items()},
        "SIDECAR_TOKEN_FILE": f"{PREPARED}/token",
        "AWS_REGION": prepared["aws"]["region"],
        "AWS_ENDPOINT_URL": prepared["aws"]["endpoint_url"],
    }


def test_variables_alone_are_configuration_enough(
    loopback: "Project", start_another: Callable[..., str]
) -> None:
    toml = loopback.execute("sidecar", "cat", f"{PREPARED}/sidecar.toml").stdout
    sidecar = start_another("serve", **variables_alone(tomllib.loads(toml)))
    app = loopback.inspect("app")
    environment = [f"-e{each}" for each in app["Config"]["Env"] if each.startswith("AWS_")]
    mounts = [(each.get("Name", each["Source"]), each["Destination"]) for each in app["Mounts"]]
    volumes = [f"-v{source}:{destination}:ro" for source, destination in mounts]
    run = ("docker", "run", "--rm", f"--network=container:{sidecar}", *environment, *volumes)
    python = ("--entrypoint=python3", "credential-sidecar", "/app/list_buckets.py")
    assert loopback.engine.output(*run, *python).splitlines() == PRINTED[:2]


ARNS: Final = ("SIDECAR_TRUST_ANCHOR_ARN", "SIDECAR_PROFILE_ARN", "SIDECAR_ROLE_ARN")


@pytest.mark.parametrize("missing", [None, *ARNS, "AWS_REGION"])
def test_the_example_for_aws_says_what_it_misses(engine: "Engine", missing: str | None) -> None:
    variables = dict.fromkeys([*ARNS, "AWS_REGION"], "given")
    if missing is not None:
        variables[missing] = ""
    file = str(Path("deploy") / "compose.aws.yml")
    done = engine.ended(*engine.compose, "-f", file, "config", "-q", variables=variables)
    assert (done.returncode == 0) == (missing is None)
    assert missing is None or missing in done.stderr
