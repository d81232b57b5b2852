"""The credentials file while its writers are killed, crowd each other, and are read."""

import subprocess
import sys
from pathlib import Path

import pytest
from botocore.configloader import raw_config_parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.credentials_file.edit import edited

OLD = b"# mine\n[default]\naws_access_key_id = OLD\nregion = x\n[web]\naws_access_key_id = WEB"
ENTRIES = {"aws_access_key_id": "ASIANEW", "aws_secret_access_key": "s", "aws_session_token": "t"}

# One child for every line of our code that a rewrite runs through, killed as it gets there.
KILL_AT_EVERY_LINE = """
import os, signal, sys
from itertools import count
from pathlib import Path
import sidecar
from sidecar.credentials_file.rewrite import rewrite_profile

OURS = str(Path(sidecar.__file__).parent)

def die_at(line):
    left = line
    def trace(frame, event, argument):
        nonlocal left
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        left -= event == "line"
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    return trace

file, entries = Path(sys.argv[1]), eval(sys.argv[2])
old = file.read_bytes()
for line in count(1):
    file.write_bytes(old)
    child = os.fork()
    if not child:
        sys.settrace(die_at(line))
        rewrite_profile(file, "default", entries)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(os.waitstatus_to_exitcode(status), file.read_bytes().hex())
    if not status:
        break
"""

WRITE_OFTEN = """
import sys
from pathlib import Path
from sidecar.credentials_file.rewrite import rewrite_profile
sys.stdin.readline()
for turn in range(40):
    rewrite_profile(Path(sys.argv[1]), sys.argv[2], {"aws_access_key_id": str(turn)})
"""


SECTIONS = st.lists(
    st.sampled_from(
        [
            "region = x",
            "s3 =\n  max = 1\n  # deep",
            "# mine",
            "",
            "aws_access_key_id = OLD",
            "aws_session_token=a:b = c",
            "  note: 1",
        ]
    ),
    unique=True,
    max_size=5,
)
FILES = st.builds(
    lambda sections, line_end: line_end.join(
        line for name, lines in sections.items() for line in (f"[{name}]", *lines)
    ).encode(),
    st.dictionaries(st.sampled_from(["default", "web", "größe", " x"]), SECTIONS),
    st.sampled_from(["\n", "\r\n"]),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("aws") / "credentials"


# Each example is a few hundred processes; the files of the other properties are many.
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(old=FILES)
def test_a_writer_killed_at_any_line_leaves_the_old_file_or_the_new(file: Path, old: bytes) -> None:
    file.write_bytes(old)
    ended = subprocess.run(
        [sys.executable, "-c", KILL_AT_EVERY_LINE, str(file), repr(ENTRIES)],
        capture_output=True,
        check=True,
        timeout=120,
    )
    outcomes = [line.split(" ") for line in ended.stdout.decode().splitlines()]
    left = [bytes.fromhex(content) for _, content in outcomes]
    new = edited(old, "default", ENTRIES)
    assert {code for code, _ in outcomes} == {"-9", "0"}
    # The old one up to the rename, the new one from then on.
    assert left == [old] * left.count(old) + [new] * left.count(new)
    assert left.count(old) > 100
    assert left.count(new) > 1
    assert {each.name for each in file.parent.iterdir()} == {".credentials.lock", "credentials"}


def test_writers_that_crowd_each_other_lose_nothing_and_no_reader_sees_a_part(
    tmp_path: Path,
) -> None:
    file = tmp_path / "credentials"
    file.write_bytes(OLD)
    profiles = ["default", "web", "one", "two"]
    command = [sys.executable, "-c", WRITE_OFTEN, str(file)]
    writers = [subprocess.Popen([*command, name], stdin=subprocess.PIPE) for name in profiles]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    seen = 0
    while any(writer.poll() is None for writer in writers):
        parsed = raw_config_parse(str(file))
        assert {"default", "web"} <= parsed.keys()
        assert parsed["default"]["region"] == "x"
        seen += 1
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    assert seen > 10
    parsed = raw_config_parse(str(file))
    assert {name: parsed[name]["aws_access_key_id"] for name in profiles} == dict.fromkeys(
        profiles, "39"
    )
    assert file.read_bytes().startswith(b"# mine\n[default]\naws_access_key_id = 39\nregion = x\n")
