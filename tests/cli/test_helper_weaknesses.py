"""What users of `aws_signing_helper` complain of, each as a promise that its replacement keeps.

One test for each weakness of `credential-process`, `update`, `sign-string` and
`read-certificate-data` in version 1.8.0; the helper would fail every one. More of each is in the
tests of the command.
"""

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.configloader import raw_config_parse

from sidecar.cli import main
from sidecar.credentials_file.rewrite import rewrite_profile
from sidecar.emulator.faults import Fault
from sidecar.file_lock import locked

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually

Words = Callable[..., list[str]]
Start = Callable[..., "subprocess.Popen[str]"]

NEW = {"aws_access_key_id": "ASIANEW", "aws_secret_access_key": "s", "aws_session_token": "t"}
HELD = b"aws_access_key_id = OLD\naws_secret_access_key = old\naws_session_token = old\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / ".aws" / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    return file


@pytest.mark.parametrize(
    ("before", "others"),
    [
        pytest.param(
            b"[default]\n" + HELD + b"region = eu-west-1",
            {"default": {"region": "eu-west-1"}},
            id="the profile's last line, last of the file and none of the keys, is dropped",
        ),
        pytest.param(
            b"[default]\n" + HELD + b"[web]",
            {"default": {}, "web": {}},
            id="the header of another profile, last line of the file, is dropped",
        ),
        pytest.param(
            b"[web]\nregion = x\n[default]",
            {"web": {"region": "x"}, "default": {}},
            id="the profile's header, last line of the file, is doubled",
        ),
        pytest.param(
            b"  [default]\nregion = x\n",
            {"default": {"region": "x"}},
            id="an indented header is not found, and the profile doubled",
        ),
    ],
)
def test_update_loses_and_doubles_nothing(
    file: Path, before: bytes, others: dict[str, dict[str, str]]
) -> None:
    file.parent.mkdir()
    file.write_bytes(before)
    rewrite_profile(file, "default", NEW)
    assert raw_config_parse(str(file)) == {**others, "default": {**others["default"], **NEW}}


def test_update_does_not_double_a_header_with_spaces_in_its_brackets(
    file: Path, words: Words, refusal: Callable[..., str]
) -> None:
    file.parent.mkdir()
    file.write_bytes(b"[ default ]\n")
    assert "[ default ], with spaces inside the brackets" in refusal(*words("update", "--once"))
    assert file.read_bytes() == b"[ default ]\n"


def test_update_makes_a_directory_that_its_user_can_enter(file: Path, words: Words) -> None:
    assert main(words("update", "--once")) == 0
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_update_never_truncates_the_file_in_place(file: Path, words: Words) -> None:
    file.parent.mkdir()
    file.write_bytes(b"[default]\n" + HELD)
    with file.open("rb") as reader:
        assert main(words("update", "--once")) == 0
        assert reader.read() == b"[default]\n" + HELD


def _has_open(process: "subprocess.Popen[str]", name: str) -> bool:
    listed = subprocess.run(
        ["ls", "-l", f"/proc/{process.pid}/fd"], capture_output=True, text=True, check=False
    )
    return name in listed.stdout


def test_update_processes_do_not_undo_each_other(
    tmp_path: Path, words: Words, start: Start, eventually: "Eventually"
) -> None:
    file = tmp_path / ".aws" / "credentials"
    file.parent.mkdir()
    with locked(file.with_name(".credentials.lock"), patience_seconds=0):
        processes = [start(words("update", "--once", profile=f"p{n}")) for n in range(4)]
        # Each has its session and waits for its turn.
        eventually(lambda: all(_has_open(each, ".credentials.lock") for each in processes))
        assert not file.exists()
    assert [each.wait(60) for each in processes] == [0] * 4
    assert len(raw_config_parse(str(file))) == 4


def test_update_outlives_an_error_of_aws(
    tmp_path: Path, words: Words, start: Start, aws: "Aws", eventually: "Eventually"
) -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=500, times=1))
    process = start(words("update"))
    eventually((tmp_path / ".aws/credentials").exists)
    assert process.poll() is None
    process.terminate()
    assert process.wait(30) == 0


def test_update_does_not_leave_a_stale_token_that_wins(file: Path, words: Words) -> None:
    file.parent.mkdir()
    file.write_bytes(b"[default]\naws_security_token = stale\n")
    assert main(words("update", "--once")) == 0
    assert b"stale" not in file.read_bytes()


def test_credential_process_can_spare_the_quota(words: Words, tmp_path: Path, aws: "Aws") -> None:
    line = words("credential-process", "--cache-directory", tmp_path / "cache")
    assert [main(line) for _ in range(12)] == [0] * 12
    assert aws.emulator.calls() == {"rolesanywhere.CreateSession": 1}


def test_credential_process_tells_what_may_pass_from_what_will_not(
    words: Words, aws: "Aws", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_time(self: object, seconds: float) -> None:
        pass

    monkeypatch.setattr("sidecar.clock.SystemClock.sleep", no_time)
    codes = {}
    for status in (403, 429, 500):
        aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=status))
        codes[status] = main(words("credential-process"))
    assert codes == {403: 1, 429: 75, 500: 75}


def test_debug_output_holds_no_secret(words: Words, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("credential-process", "--debug")) == 0
    out, err = capsys.readouterr()
    secrets = out.replace('"', "").replace("}", "").split(": ")[3:5]
    assert not any(each.split(",")[0] in err for each in secrets)


def test_a_password_need_not_be_where_every_user_sees_it(
    at_emulator: dict[str, str],
    words: Words,
    tmp_path: Path,
    start: Start,
    openssl: Callable[..., object],
    eventually: "Eventually",
) -> None:
    key = tmp_path / "locked.key"
    (tmp_path / "password").write_text("correct horse\n")
    openssl(
        "pkcs8", "-topk8", "-in", at_emulator["--private-key"], "-out", key,
        "-passout", f"file:{tmp_path / 'password'}",
    )  # fmt: skip
    line = words("update", f"--password-file={tmp_path / 'password'}", private_key=str(key))
    process = start(line)
    eventually((tmp_path / ".aws/credentials").exists)
    seen = [Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
    assert b"update" in seen[0]
    assert not any(b"correct" in each for each in seen)


def test_sign_string_needs_no_certificate_for_a_key_in_a_file(
    at_emulator: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sign-string", "--private-key", at_emulator["--private-key"]]) == 0
    assert capsys.readouterr().out.startswith('"30')


def test_flags_that_got_lost_are_not_taken_for_a_key_store_of_windows(
    refusal: Callable[..., str], at_emulator: dict[str, str]
) -> None:
    arns = [word for pair in at_emulator.items() if "arn" in pair[0] for word in pair]
    assert "neither --certificate nor --private-key" in refusal("credential-process", *arns)


def test_a_terminal_is_not_needed_to_learn_that_a_password_is(
    at_emulator: dict[str, str], tmp_path: Path, openssl: Callable[..., object]
) -> None:
    key = tmp_path / "locked.key"
    openssl(
        "pkcs8", "-topk8", "-in", at_emulator["--private-key"], "-out", key, "-passout", "pass:x"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "sidecar", "sign-string", f"--private-key={key}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        # A session of its own has no terminal.
        start_new_session=True,
    )
    assert ended.returncode == 1
    assert "--password-file" in ended.stderr
