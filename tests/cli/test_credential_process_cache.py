"""`credential-process` with a cache directory: fewer sessions, and never a bad or a strange one."""

import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import pytest

from sidecar.cli import build_parser, main
from sidecar.cli.credential_process import _good, _what_determines
from sidecar.cli.identity_flags import identity_places
from sidecar.cli.session_flags import session_request
from sidecar.clock import iso_seconds
from sidecar.credentials import Credentials
from sidecar.emulator.faults import Fault
from sidecar.redaction import Secret
from sidecar.session_store import SessionStore, session_key

if TYPE_CHECKING:
    from tests.conftest import Aws

Words = Callable[..., list[str]]
Start = Callable[..., "subprocess.Popen[str]"]
Captured = pytest.CaptureFixture[str]

CREATE_SESSION = "rolesanywhere.CreateSession"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def kept(words: Words, cache: Path) -> list[str]:
    """Give the command line of a session that is kept."""
    return words("credential-process", "--cache-directory", cache)


def _entry(cache: Path) -> Path:
    (found,) = cache.glob("*.json")
    return found


def _age(entry: Path, by: timedelta) -> dict[str, str]:
    """Make a kept session older than it is, and give what it holds."""
    fields: dict[str, str] = json.loads(entry.read_bytes())
    for name in ("IssuedAt", "Expiration"):
        fields[name] = iso_seconds(datetime.fromisoformat(fields[name]) - by)
    entry.write_text(json.dumps(fields))
    return fields


def test_the_next_call_gives_the_same_session_without_asking_aws(
    kept: list[str], aws: "Aws", capsys: Captured
) -> None:
    assert main(kept) == 0
    first = capsys.readouterr()
    assert main(kept) == 0
    assert capsys.readouterr() == first
    assert aws.emulator.calls() == {CREATE_SESSION: 1}


def test_sessions_are_kept_only_where_that_is_allowed(
    words: Words, aws: "Aws", tmp_path: Path, start: Start
) -> None:
    line = words("credential-process")
    for process in (start(line), start(line)):
        process.communicate()
    assert aws.emulator.calls() == {CREATE_SESSION: 2}
    assert list(tmp_path.iterdir()) == []
    start(line, SIDECAR_CACHE_DIRECTORY=str(tmp_path / "a")).communicate()
    start([*line, "--cache-directory", str(tmp_path / "b")], SIDECAR_CACHE_DIRECTORY="/nowhere/x")
    start(line, SIDECAR_CACHE_DIRECTORY="").communicate()
    assert _entry(tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_debug_says_whether_a_kept_session_was_used(
    kept: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*kept, "--debug"]) == 0
    out, err = capsys.readouterr()
    assert err.count("cache: no session is kept for this") == 2  # before the lock, and under it
    assert main([*kept, "--debug"]) == 0
    again, err = capsys.readouterr()
    assert again == out
    assert err.endswith(f"cache: a session until {json.loads(out)['Expiration']} is used\n")


def test_processes_at_the_same_moment_make_one_session(
    kept: list[str], aws: "Aws", start: Start
) -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", latency_ms=300))
    processes = [start(kept) for _ in range(6)]
    ends = [each.communicate() for each in processes]
    assert [each.returncode for each in processes] == [0] * 6
    assert {err for _, err in ends} == {""}
    assert len({out for out, _ in ends}) == 1
    assert aws.emulator.calls() == {CREATE_SESSION: 1}


def test_whoever_waited_for_a_failure_asks_for_itself(
    kept: list[str], aws: "Aws", start: Start
) -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=403, times=1))
    processes = [start(kept) for _ in range(3)]
    ends = [each.communicate()[0] for each in processes]
    assert sorted(each.returncode for each in processes) == [0, 0, 1]
    assert len({out for out in ends if out}) == 1
    assert aws.emulator.calls() == {CREATE_SESSION: 2}


def test_a_new_certificate_gets_a_new_session(
    at_emulator: dict[str, str], words: Words, cache: Path, aws: "Aws", tmp_path: Path
) -> None:
    certificate = tmp_path / "workload.pem"
    copyfile(at_emulator["--certificate"], certificate)
    line = words("credential-process", "--cache-directory", cache, certificate=str(certificate))
    assert (main(line), main(line)) == (0, 0)
    certificate.write_bytes(certificate.read_bytes() + b"\n")
    assert main(line) == 0
    assert aws.emulator.calls() == {CREATE_SESSION: 2}


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"AccessKeyId": "ASIAEXAMPLE"}'], ids=["empty", "torn", "half"]
)
def test_a_spoilt_entry_is_replaced(
    kept: list[str], cache: Path, aws: "Aws", capsys: Captured, content: bytes
) -> None:
    assert main(kept) == 0
    _entry(cache).write_bytes(content)
    assert (main(kept), main(kept)) == (0, 0)
    assert capsys.readouterr().err == ""
    assert aws.emulator.calls() == {CREATE_SESSION: 2}


def test_a_session_near_its_end_is_replaced_by_a_new_one(
    kept: list[str], cache: Path, aws: "Aws"
) -> None:
    assert main(kept) == 0
    ends = datetime.fromisoformat(json.loads(_entry(cache).read_bytes())["Expiration"])
    _age(_entry(cache), timedelta(minutes=45))
    assert main(kept) == 0
    renewed = datetime.fromisoformat(json.loads(_entry(cache).read_bytes())["Expiration"])
    assert renewed >= ends
    assert aws.emulator.calls() == {CREATE_SESSION: 2}


async def _no_time(self: object, seconds: float) -> None:
    pass


@pytest.mark.parametrize(
    ("status", "minutes_ago", "code"),
    [(503, 45, 0), (429, 45, 0), (403, 45, 1), (503, 61, 75)],
    ids=["outage", "throttling", "refusal", "outage, and it has expired"],
)
def test_an_outage_does_not_cost_a_session_that_is_still_valid(
    status: int,
    minutes_ago: int,
    code: int,
    *,
    kept: list[str],
    cache: Path,
    aws: "Aws",
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sidecar.clock.SystemClock.sleep", _no_time)
    assert main(kept) == 0
    fields = _age(_entry(cache), timedelta(minutes=minutes_ago))
    capsys.readouterr()
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=status))
    assert main(kept) == code
    out, err = capsys.readouterr()
    assert (fields["AccessKeyId"] in out) is (code == 0)
    said = f"the kept session is used, which is good until {fields['Expiration']}"
    assert (said in err) is (code == 0)


@pytest.mark.parametrize(
    ("lifetime", "age", "good"),
    [
        (60, 0, True),
        (60, 29, True),
        (60, 31, False),
        (15, 4, True),
        (15, 5, False),
        (720, 359, True),
        (720, 361, False),
        (60, 61, False),
        # The clock was set back since.
        (60, -1, False),
    ],
)
def test_a_session_is_used_for_half_of_its_life(
    now: datetime, lifetime: int, age: int, good: bool
) -> None:
    issued = now - timedelta(minutes=age)
    ends = issued + timedelta(minutes=lifetime)
    session = Credentials("ASIA", Secret("s"), Secret("t"), issued, ends, "role", "1" * 12)
    assert _good(session, now) == (session if good else None)
    assert _good(None, now) is None


SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
SAID = {
    "--certificate": "a.pem",
    "--private-key": "a.key",
    "--trust-anchor-arn": f"{SCOPE}:trust-anchor/a",
    "--profile-arn": f"{SCOPE}:profile/p",
    "--role-arn": "arn:aws:iam::123456789012:role/web",
    "--region": "eu-central-1",
    "--endpoint": "https://example.com",
}


def _key(said: dict[str, str]) -> str:
    line = [f"{name}={value}" for name, value in said.items()]
    arguments = build_parser("credential-process").parse_args(line)
    places = identity_places(arguments, {})
    return session_key(_what_determines(session_request(arguments, {}), places))


@pytest.mark.parametrize(
    "change",
    [
        {"--certificate": "b.pem"},
        {"--private-key": "b.key"},
        {"--intermediates": "i.pem"},
        {"--trust-anchor-arn": f"{SCOPE}:trust-anchor/b"},
        {"--profile-arn": f"{SCOPE}:profile/q"},
        {"--role-arn": "arn:aws:iam::123456789012:role/api"},
        {"--session-duration": "900"},
        {"--role-session-name": "me"},
        {"--endpoint": "https://example.org"},
        {"--no-verify-ssl": "true"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_determines_a_session_is_in_its_name(change: dict[str, str]) -> None:
    assert _key(SAID) == _key(dict(SAID)) != _key(SAID | change)


def test_what_does_not_determine_it_is_not() -> None:
    assert _key(SAID | {"--debug": "true", "--pkcs8-password": "x"}) == _key(SAID)


def test_a_pin_cannot_be_guessed_from_a_name() -> None:
    uris = [f"pkcs11:token={token}?pin-value={pin}" for token, pin in ("a1", "a2", "b1")]
    keys = [_key(SAID | {"--certificate": each, "--private-key": each}) for each in uris]
    assert keys[0] == keys[1] != keys[2]


def test_the_private_key_and_its_password_never_get_into_the_cache(
    at_emulator: dict[str, str], kept: list[str], cache: Path
) -> None:
    assert main([*kept, "--pkcs8-password=canary"]) == 0
    lines = Path(at_emulator["--private-key"]).read_bytes().splitlines()[1:-1]
    held = b"".join(each.read_bytes() + each.name.encode() for each in cache.iterdir())
    assert lines
    assert not any(line in held for line in [*lines, b"canary"])


def test_a_directory_that_others_may_enter_is_refused(
    refusal: Callable[..., str], kept: list[str], cache: Path
) -> None:
    cache.mkdir()
    cache.chmod(0o755)
    assert refusal(*kept).startswith(
        f"sidecar: cache directory {cache} has mode 0755: others may enter it\nhint: "
    )


def test_a_session_that_cannot_be_kept_is_printed_all_the_same(
    kept: list[str], aws: "Aws", capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SessionStore, "write", full)
    assert (main(kept), main(kept)) == (0, 0)
    out, err = capsys.readouterr()
    assert out.count('"Version": 1') == 2
    assert err.count("the session is not kept: No space left on device") == 2
