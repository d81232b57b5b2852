"""Both halves are set up by one command, and a sidecar works with what it wrote."""

import io
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from sidecar.aws.administrator import AdministratorCalls
from sidecar.cli import main
from tests.conftest import Aws, Eventually, Serve

BUILD: Final = Path(__file__).parents[2] / "deploy/lambda/build_zip.py"
# Whatever else serves on this machine keeps its ports.
_FREE: Final = {
    f"SIDECAR_DOORS_{door}": "127.0.0.1:0"
    for door in ("CREDENTIALS", "SECRETS", "AWS_API", "ADMIN")
}
Words = Callable[..., list[str]]


@pytest.fixture(scope="session")
def function_zip(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("lambda") / "rotation.zip"
    subprocess.run([sys.executable, BUILD, target], check=True, capture_output=True)
    return str(target)


def test_a_sidecar_serves_with_what_apply_wrote_and_the_function_rotates(
    *,
    site: Words,
    aws: Aws,
    function_zip: str,
    serve: Serve,
    eventually: Eventually,
    tmp_path: Path,
) -> None:
    rotation = ["--rotate-user", f"u{uuid4().hex}", "--rotate-secret", f"k/{uuid4().hex}"]
    rotation += ["--function-zip", function_zip, "--events", "--secret", "k/*"]
    assert main(site("apply", *rotation, "--issue-from", "ca", "--common-name", "web-1")) == 0
    aws.emulator.wait_for_rotations()
    # A pattern that means the rotated secret too opens it to no other application.
    with serve(tmp_path, "--config", "sidecar.toml", **_FREE) as serving:
        doors = serving.doors()
        eventually(lambda: "role default: new session until" in serving.log.read_text())
        held = _asked(f"{doors['credentials']}/credentials", tmp_path / "app")
        secret = f"{doors['secrets']}/secretsmanager/get?secretId={rotation[3]}"
        value = _asked(secret, tmp_path / "legacy")
        with pytest.raises(urllib.error.HTTPError, match="HTTP Error 40") as refused:
            _asked(secret, tmp_path / "app")
        refused.value.close()
    assert held["AccessKeyId"].startswith("ASIA")
    assert json.loads(value["SecretString"])["aws_access_key_id"].startswith("AKIA")


def _asked(url: str, directory: Path) -> Any:
    token = (directory / "token").read_text()
    headers = {"Authorization": token, "X-Aws-Parameters-Secrets-Token": token}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as reply:
        return json.load(reply)


def test_what_apply_would_do_is_shown_and_then_nothing_is_left_to_do(
    site: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(site("plan")) == 0
    shown = capsys.readouterr().out
    assert "+ AWS::RolesAnywhere::TrustAnchor TrustAnchor" in shown
    assert 'RoleArns: ["<WorkloadRole.Arn>"]' in shown
    assert main(site("apply")) == 0
    capsys.readouterr()
    assert main(site("plan")) == 0
    assert capsys.readouterr().out == "0 to create, 0 to change, 3 unchanged\n"


def test_a_plan_takes_what_apply_is_given_for_this_machine_and_writes_nothing(
    site: Words, tmp_path: Path
) -> None:
    machine = ["--issue-from", "ca", "--common-name", "web-1", "--directory", "here"]
    assert main(site("plan", *machine)) == 0
    assert {each.name for each in tmp_path.iterdir()} == {"ca"}
    assert main(site("apply", *machine)) == 0
    assert {each.name for each in tmp_path.iterdir()} == {"ca", "here"}


def test_a_change_is_shown_with_what_was_and_what_will_be(
    site: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    main(site("apply"))
    capsys.readouterr()
    main(site("plan", "--duration-seconds", "900"))
    assert capsys.readouterr().out.splitlines() == [
        "~ AWS::RolesAnywhere::Profile Profile",
        "    DurationSeconds: 3600 -> 900",
        "0 to create, 1 to change, 2 unchanged",
    ]


def test_a_long_policy_is_cut_unless_all_of_it_is_asked_for(
    site: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = [word for each in range(9) for word in ("--secret", f"prod/web{each}/*")]
    main(site("plan", *secrets))
    assert "prod/web5/" not in capsys.readouterr().out
    main(site("plan", *secrets, "--full"))
    full = capsys.readouterr().out
    assert "prod/web5/" in full
    assert "…" not in full


def test_the_text_of_a_secret_is_not_shown(site: Words, capsys: pytest.CaptureFixture[str]) -> None:
    main(site("plan", "--rotate-user", "batch", "--rotate-secret", "prod/batch", "--full"))
    assert "SecretString: ***" in capsys.readouterr().out


def test_a_configuration_that_says_something_else_is_not_replaced(
    site: Words, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sidecar.toml"
    path.write_text("# mine\n")
    assert main(site("apply")) == 1
    assert path.read_text() == "# mine\n"
    assert "exists and says something else" in capsys.readouterr().err
    main(site("plan"))
    assert "3 to create" in capsys.readouterr().out
    assert main(site("apply", "--force")) == 0
    assert "[roles.default]" in path.read_text()
    path.write_text("# mine\n")
    assert main(site("apply", "--duration-seconds", "900")) == 1
    main(site("plan"))
    assert "3 unchanged" in capsys.readouterr().out


def test_applied_again_the_certificate_is_kept_and_its_key_is_its_owners_alone(
    site: Words, tmp_path: Path
) -> None:
    assert main(site("apply", "--issue-from", "ca")) == 0
    before = (tmp_path / "workload.pem").read_bytes()
    assert main(site("apply", "--issue-from", "ca")) == 0
    assert (tmp_path / "workload.pem").read_bytes() == before
    assert (tmp_path / "workload.key").stat().st_mode & 0o777 == 0o600


def test_the_last_line_says_how_to_serve_with_what_was_written(
    site: Words, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in ([], ["--issue-from", "ca"]):
        assert main(site("apply", *more)) == 0
        *before, last = capsys.readouterr().err.splitlines()
        assert last == f"next: sidecar serve --config {tmp_path / 'sidecar.toml'}"
        assert [each for each in before if "sidecar serve" in each] == []


@pytest.mark.parametrize(("region", "told"), [("us-east-1", False), ("eu-west-1", True)])
def test_the_further_stack_for_changed_keys_is_named_where_one_is_needed(
    *,
    region: str,
    told: bool,
    site: Words,
    function_zip: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rotation = ["--rotate-user", f"u{uuid4().hex}", "--rotate-secret", f"k/{uuid4().hex}"]
    rotation += ["--function-zip", function_zip, "--events", "--region", region]
    assert main(site("apply", *rotation)) == 0
    assert ("provision template --format key-events" in capsys.readouterr().err) is told


def test_a_private_key_without_its_certificate_is_not_replaced(
    site: Words, aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "workload.key"
    key.write_text("mine")
    aws.emulator.clear_calls()
    assert main(site("apply", "--issue-from", "ca")) == 1
    assert f"{key} exists already" in capsys.readouterr().err
    assert (key.read_text(), aws.emulator.calls()) == ("mine", {})
    assert main(site("apply", "--issue-from", "ca", "--force")) == 0
    assert key.read_text().startswith("-----BEGIN")


@pytest.mark.parametrize(
    ("issuer", "said"), [("nowhere", "ca.key is missing"), ("other", "is not under an authority")]
)
def test_where_no_certificate_that_counts_can_be_issued_nothing_is_asked_of_aws(
    site: Words, aws: Aws, capsys: pytest.CaptureFixture[str], issuer: str, said: str
) -> None:
    assert main(["certs", "ca", "--directory", "other"]) == 0
    aws.emulator.clear_calls()
    assert main(site("apply", "--issue-from", issuer)) == 1
    assert said in capsys.readouterr().err
    assert aws.emulator.calls() == {}


def test_an_authority_under_that_of_the_bundle_may_issue(site: Words) -> None:
    assert main(["certs", "ca", "--directory", "under", "--issuer", "ca"]) == 0
    assert main(site("apply", "--issue-from", "under")) == 0


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_certificate_that_is_no_authoritys_is_refused_first(
    site: Words, aws: Aws, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main(["certs", "issue", "--ca", "ca", "--directory", ".", "--common-name", "web"]) == 0
    aws.emulator.clear_calls()
    assert main(site(command, "--ca-bundle", "workload.pem")) == 1
    assert "--ca-bundle: workload.pem is no authority's certificate: CN=web" in (
        capsys.readouterr().err
    )
    assert aws.emulator.calls() == {}


def test_destroy_refuses_where_nobody_can_be_asked(
    site: Words, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(site("apply"))
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert main(site("destroy")) == 1
    assert "nobody can be asked" in capsys.readouterr().err
    main(site("plan"))
    assert "3 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("yes", 0, "3 to create"), ("y", 1, "3 unchanged")]
)
def test_destroy_asks_and_takes_a_typed_yes_only(
    site: Words,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    code: int,
    left: str,
) -> None:
    main(site("apply"))
    typed = io.StringIO(f"{answer}\n")
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", typed)
    assert main(site("destroy")) == code
    assert re.search(r" in account \d{12}, us-east-1\? ", capsys.readouterr().err)
    main(site("plan"))
    assert left in capsys.readouterr().out


def test_chat_at_an_endpoint_without_it_is_an_error_that_says_so(
    site: Words, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # botocore takes the endpoint's answer for a passing fault, and would wait between attempts.
    monkeypatch.setattr("botocore.retries.standard.RetryHandler.needs_retry", lambda *_, **__: None)
    chat = ["--slack-workspace", "T0123ABCD", "--slack-channel", "C0123ABCD"]
    assert main(site("plan", *chat)) == 1
    assert "chat channels are not supported by this endpoint" in capsys.readouterr().err


def test_where_something_is_somebody_elses_nothing_is_made(
    site: Words, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    words = site("apply")
    role = f"{words[words.index('--name') + 1]}-workload"
    calls = AdministratorCalls(aws.emulator.region, aws.emulator.url)
    calls.ask("iam", "create_role", RoleName=role, AssumeRolePolicyDocument=_NOBODY)
    aws.emulator.clear_calls()
    assert main(words) == 1
    assert f"AWS::IAM::Role {role} exists and is not of this stack" in capsys.readouterr().err
    assert [each for each in aws.emulator.calls() if "Create" in each] == []


_NOBODY: Final = json.dumps({"Version": "2012-10-17", "Statement": []})


def test_what_was_switched_off_since_is_deleted_too(
    site: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(site("apply", "--events")) == 0
    off = ["--events", "--no-trail", "--no-queue", "--no-alarms"]
    assert main(site("destroy", *off, "--yes", "--empty-buckets")) == 0
    others = "--private-ca, --crl, --rotate-user, --slack-channel"
    told = capsys.readouterr().out
    assert f"\nnot looked for, and stays: what was made with {others}\n" in told
    assert re.search(r"^- AWS::S3::Bucket \S+; lost with it: everything in it$", told, re.MULTILINE)
    assert re.search(
        r"^- AWS::RolesAnywhere::TrustAnchor [\w-]+ \(\w+-anchor\)$", told, re.MULTILINE
    )
    assert main(site("plan", "--events")) == 0
    assert " 0 to change, 0 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize("address", ["127.0.0.1:1", "http://127.0.0.1:1/path"])
def test_an_address_that_no_configuration_may_have_is_wrong_usage(
    site: Words, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(site("plan", "--endpoint-url", address))
    assert "argument --endpoint-url: must " in capsys.readouterr().err


def test_a_file_that_is_no_zip_is_refused(
    site: Words, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.zip").write_text("no")
    assert main(site("plan", "--function-zip", "x.zip")) == 1
    assert "is no zip" in capsys.readouterr().err


def test_without_credentials_the_error_says_whose_are_taken(
    site: Words, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nowhere")
    assert main(site("plan")) == 1
    assert "no AWS credentials to set things up with" in capsys.readouterr().err
