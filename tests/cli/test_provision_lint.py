"""`sidecar provision lint`: findings on stdout, and an exit code that a pipeline can use."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.cli import main

USER = "arn:aws:iam::123456789012:user/backup"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:backup-AbCdEf"
ARNS = ("--user-arn", USER, "--secret-arn", SECRET)
READ = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[object], str]:
    """Give a function that writes a document, and returns where."""

    def write(said: object) -> str:
        path = tmp_path / "document.json"
        path.write_text(json.dumps(said))
        return str(path)

    return write


def _lint(*words: str) -> int:
    return main(["provision", "lint", *words])


def _policy(**members: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [READ | members]}


def test_the_missing_key_actions_of_an_execution_role_are_told(
    capsys: pytest.CaptureFixture[str], written: Callable[[object], str]
) -> None:
    assert _lint("--execution-role-policy", written(_policy()), *ARNS) == 1
    told = capsys.readouterr().out
    for action in ("CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey", "ListAccessKeys"):
        assert f"iam:{action} is not allowed on {USER}\n  hint: " in told


@pytest.mark.parametrize(
    ("flag", "document", "code", "about"),
    [
        ("--trust-policy", _policy(), 1, "Principal"),
        ("--resource-policy", _policy(Principal="*"), 1, "Principal"),
        ("--user-policy", _policy(), 0, "secretsmanager:GetSecretValue"),
        ("--profile", {"profile": {"roleArns": ["a"]}}, 0, "sessionPolicy"),
    ],
)
def test_errors_make_the_exit_code_and_warnings_do_not(
    capsys: pytest.CaptureFixture[str],
    written: Callable[[object], str],
    flag: str,
    document: object,
    code: int,
    about: str,
) -> None:
    path = written(document)
    assert _lint(flag, path) == code
    level = "error" if code else "warning"
    assert capsys.readouterr().out.startswith(f"{level}: {path}: {about} ")


def test_nothing_wrong_prints_no_finding_and_says_how_much_was_judged(
    capsys: pytest.CaptureFixture[str], written: Callable[[object], str]
) -> None:
    own = _policy(Principal={"AWS": "arn:aws:iam::123456789012:role/web"})
    assert _lint("--resource-policy", written(own), "--secret-arn", SECRET) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "nothing found in 1 document\n")


NO_POLICY = {"ARN": SECRET, "Name": "backup"}


def test_a_secret_without_a_policy_is_told_and_the_other_documents_are_judged(
    capsys: pytest.CaptureFixture[str], written: Callable[[object], str], tmp_path: Path
) -> None:
    none = tmp_path / "none.json"
    none.write_text(json.dumps(NO_POLICY))
    user = written(_policy(Action="s3:GetObject"))
    assert _lint("--resource-policy", str(none), "--user-policy", user) == 0
    assert capsys.readouterr() == (
        "",
        f"{none}: no resource policy: nothing to judge\nnothing found in 1 document\n",
    )
    assert _lint("--resource-policy", str(none), "--trust-policy", user) == 1
    assert "error" in capsys.readouterr().out
    assert _lint("--resource-policy", str(none)) == 0
    assert "nothing found" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "document"),
    [("--user-policy", NO_POLICY), ("--resource-policy", NO_POLICY | {"Statement": 1})],
)
def test_what_only_looks_like_a_secret_without_a_policy_is_refused(
    refusal: Callable[..., str], written: Callable[[object], str], flag: str, document: object
) -> None:
    assert "is not an IAM policy document" in refusal("provision", "lint", flag, written(document))


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        ((), "there is nothing to judge", 2),
        (("--trust-policy", "/nowhere"), "--trust-policy /nowhere cannot be read", 1),
        (("--execution-role-policy", "x"), "needs --user-arn and --secret-arn", 2),
    ],
)
def test_what_cannot_be_judged_is_refused(
    refusal: Callable[..., str], words: tuple[str, ...], said: str, code: int
) -> None:
    assert said in refusal("provision", "lint", *words, code=code)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"a": 1}'])
def test_a_file_that_is_no_policy_is_named(
    refusal: Callable[..., str], tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert f"--trust-policy: {path} is not" in refusal("provision", "lint", "--trust-policy", path)


def test_an_arn_that_is_none_is_refused(refusal: Callable[..., str]) -> None:
    assert "not an ARN" in refusal("provision", "lint", "--user-arn", "backup", code=2)
