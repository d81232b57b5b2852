"""`update`: a profile that is fresh, in a credentials file that is otherwise untouched."""

import json
import signal
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.configloader import raw_config_parse

from sidecar.atomic_file import write_atomically
from sidecar.ca import (
    Authority,
    Subject,
    certificate_pem,
    create_root,
    issue_workload,
    private_key_pem,
)
from sidecar.cli import main
from sidecar.demo.stage import trust_policy
from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually

Words = Callable[..., list[str]]
Start = Callable[..., "subprocess.Popen[str]"]

CREATE_SESSION = "rolesanywhere.CreateSession"
THEIRS = b"# mine\r\n[web]\r\naws_access_key_id = WEB\r\nregion = eu-west-1\r\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the credentials file that a command in this process writes."""
    file = tmp_path / ".aws" / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    return file


def _caller(aws: "Aws", profile: str) -> str:
    """Ask the emulator who somebody with this profile is, by botocore."""
    connect: Any = botocore.session.Session(profile=profile).create_client
    sts = connect("sts", region_name=aws.emulator.region, endpoint_url=aws.emulator.url)
    arn: str = sts.get_caller_identity()["Arn"]
    return arn


@pytest.mark.parametrize("profile", ["default", "my profile"])
def test_a_program_that_reads_the_file_is_let_in_by_aws(
    words: Words, file: Path, aws: "Aws", profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words("update", "--once", profile=profile)) == 0
    role = aws.stage.role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
    assert _caller(aws, profile).startswith(f"{role}/")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert capsys.readouterr() == ("", "")


def test_every_other_byte_of_the_file_stays(words: Words, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(THEIRS)
    for _ in range(2):
        assert main(words("update", "--once")) == 0
    assert file.read_bytes().startswith(THEIRS + b"\r\n[default]\r\naws_access_key_id = ASIA")
    assert file.read_bytes().count(b"\r\n") == THEIRS.count(b"\r\n") + 5


def test_a_token_of_the_old_name_does_not_outlive_the_session_that_it_was_of(
    words: Words, file: Path, aws: "Aws"
) -> None:
    file.parent.mkdir()
    file.write_bytes(b"[default]\naws_security_token = stale\n")
    assert main(words("update", "--once")) == 0
    assert "assumed-role/demo-web" in _caller(aws, "default")


def test_two_at_once_for_two_profiles_both_land(tmp_path: Path, words: Words, start: Start) -> None:
    profiles = ["default", "web", "one", "two"]
    running = [start(words("update", "--once", profile=name)) for name in profiles]
    assert [each.communicate()[1] for each in running] == [""] * 4
    assert [each.returncode for each in running] == [0] * 4
    parsed = raw_config_parse(str(tmp_path / ".aws/credentials"))
    assert parsed.keys() == {*profiles}
    assert len({each["aws_access_key_id"] for each in parsed.values()}) == 4


@pytest.mark.parametrize(("status", "code"), [(403, 1), (503, 75)])
def test_once_ends_with_a_failure_and_leaves_the_file_alone(
    words: Words,
    file: Path,
    aws: "Aws",
    status: int,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_time(self: object, seconds: float) -> None:
        pass

    monkeypatch.setattr("sidecar.clock.SystemClock.sleep", no_time)
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=status))
    assert main(words("update", "--once")) == code
    assert not file.parent.exists()


def test_a_name_that_no_profile_can_have_costs_no_session(
    words: Words, aws: "Aws", refusal: Callable[..., str], file: Path
) -> None:
    for profile, why in (
        ("DEFAULT", "botocore reads [DEFAULT] as part of every profile; give default"),
        ("a]b", "give one without brackets, control characters and spaces around it"),
        ("", "must not be empty"),
    ):
        assert refusal(*words("update", "--once", profile=profile), code=2) == (
            f"sidecar: argument --profile: {why} (got {profile!r})\nhint: sidecar update --help\n"
        )
    assert aws.emulator.calls() == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_writes_at_once_and_ends_well_on_a_signal(
    tmp_path: Path, words: Words, start: Start, eventually: "Eventually", number: signal.Signals
) -> None:
    process = start(words("update"))
    eventually((tmp_path / ".aws/credentials").exists)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "stopping on a signal" in err


def test_failures_of_aws_are_waited_out(
    tmp_path: Path, words: Words, start: Start, eventually: "Eventually", aws: "Aws"
) -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=503, times=2))
    process = start(words("update"))
    eventually((tmp_path / ".aws/credentials").exists)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "no new session, attempt 2" in err
    assert aws.emulator.calls() == {CREATE_SESSION: 3}


def test_a_file_that_is_broken_meanwhile_is_written_when_it_is_mended(
    tmp_path: Path, words: Words, start: Start, eventually: "Eventually", aws: "Aws"
) -> None:
    file = tmp_path / ".aws" / "credentials"
    file.parent.mkdir()
    file.write_bytes(b"not a credentials file")
    process = start(words("update"))
    eventually(lambda: aws.emulator.calls() == {CREATE_SESSION: 1})
    assert process.stderr is not None
    said = next(line for line in process.stderr if "the session is not written" in line)
    assert "line 1 stands before any [profile]" in said
    assert file.read_bytes() == b"not a credentials file"
    file.write_bytes(b"")
    eventually(lambda: b"aws_session_token" in file.read_bytes())
    process.terminate()
    assert process.wait(30) == 0
    assert aws.emulator.calls() == {CREATE_SESSION: 1}


@pytest.fixture
def own_anchor(aws: "Aws") -> tuple[Authority, dict[str, str]]:
    """Register an authority of the test's own; give it with the ARNs of its anchor and so on."""
    authority = create_root(Subject("Own root"), now=datetime.now(UTC), validity=timedelta(days=30))
    anywhere, iam = aws.client("rolesanywhere"), aws.client("iam")
    pem = certificate_pem(authority.certificate).decode()
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}
    made = anywhere.create_trust_anchor(name="own", source=source, enabled=True)
    anchor = made["trustAnchor"]["trustAnchorArn"]
    document = json.dumps(trust_policy(anchor))
    role = iam.create_role(RoleName="own", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    profile = anywhere.create_profile(name="own", roleArns=[role], enabled=True)["profile"]
    aws.emulator.clear_calls()
    return authority, {
        "trust_anchor_arn": anchor,
        "profile_arn": profile["profileArn"],
        "role_arn": role,
    }


def test_a_renewed_certificate_is_taken_into_use_without_a_restart(
    file: Path,
    words: Words,
    start: Start,
    eventually: "Eventually",
    own_anchor: tuple[Authority, dict[str, str]],
    aws: "Aws",
) -> None:
    authority, arns = own_anchor
    identity = file.parent.with_name("both.pem")

    def renew() -> str:
        leaf, key = issue_workload(
            authority, Subject("web"), now=datetime.now(UTC), validity=timedelta(days=7)
        )
        write_atomically(identity, certificate_pem(leaf) + private_key_pem(key))
        return f"{leaf.serial_number:x}"

    first = renew()
    process = start(words("update", certificate=str(identity), private_key="", **arns))
    eventually(file.exists)
    assert _caller(aws, "default").endswith(f"/{first}")
    second = renew()
    eventually(lambda: _caller(aws, "default").endswith(f"/{second}"))
    process.terminate()
    assert process.wait(30) == 0


def test_an_identity_that_cannot_be_used_ends_it_at_the_start(
    words: Words, file: Path, refusal: Callable[..., str]
) -> None:
    said = refusal(*words("update", certificate="/nowhere.pem"))
    assert said.startswith("sidecar: certificate /nowhere.pem cannot be read: No such file")


def test_no_secret_is_told(
    tmp_path: Path, words: Words, start: Start, eventually: "Eventually"
) -> None:
    process = start(words("update", "--debug"))
    file = tmp_path / ".aws/credentials"
    eventually(file.exists)
    process.terminate()
    out, err = process.communicate(timeout=30)
    held = raw_config_parse(str(file))["default"]
    assert "session until" in err
    assert held["aws_secret_access_key"] not in out + err
    assert held["aws_session_token"] not in out + err
