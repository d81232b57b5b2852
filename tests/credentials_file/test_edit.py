"""The edit of a credentials file, judged by botocore's own parser of it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from botocore.configloader import raw_config_parse
from botocore.exceptions import ConfigParseError
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sidecar.credentials_file.edit import edited
from sidecar.errors import OperatorError

NEW = {
    "aws_access_key_id": "ASIANEW",
    "aws_secret_access_key": "s/+=#;",
    "aws_session_token": "t:=",
}
ENTRIES: Final[Mapping[str, str | None]] = {**NEW, "aws_security_token": None}
THREE = b"aws_access_key_id = ASIANEW\naws_secret_access_key = s/+=#;\naws_session_token = t:=\n"

Parse = Callable[[bytes], dict[str, Any]]


@pytest.fixture(scope="module")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Parse:
    """Give botocore's parser, as a function of a file's bytes."""
    file = tmp_path_factory.mktemp("aws") / "credentials"

    def of(content: bytes) -> dict[str, Any]:
        file.write_bytes(content)
        parsed: dict[str, Any] = raw_config_parse(str(file), parse_subsections=False)
        return parsed

    return of


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"", b"[default]\n" + THREE, id="an empty file"),
        pytest.param(b"[default]\n", b"[default]\n" + THREE, id="an empty profile"),
        pytest.param(b"[default]", b"[default]\n" + THREE, id="a header without a line end"),
        pytest.param(
            b"[web]\nregion = eu-west-1\n",
            b"[web]\nregion = eu-west-1\n\n[default]\n" + THREE,
            id="another profile",
        ),
        pytest.param(
            b"[web]\nregion = eu-west-1",
            b"[web]\nregion = eu-west-1\n\n[default]\n" + THREE,
            id="another profile without a line end",
        ),
        pytest.param(
            b"[default]\naws_access_key_id=OLD\nregion = eu-west-1\n"
            b"aws_secret_access_key :  old \n",
            b"[default]\naws_access_key_id=ASIANEW\nregion = eu-west-1\n"
            b"aws_secret_access_key :  s/+=#; \naws_session_token = t:=\n",
            id="keys among others, in a hand of their own",
        ),
        pytest.param(
            b"[default]\r\naws_access_key_id = OLD\r\n[web]\r\n",
            b"[default]\r\naws_access_key_id = ASIANEW\r\naws_secret_access_key = s/+=#;\r\n"
            b"aws_session_token = t:=\r\n[web]\r\n",
            id="line ends of another system",
        ),
        pytest.param(
            b"[default]\n# mine\n\ns3 =\n  max = 1\n  # deep\n  min = 0\n",
            b"[default]\n" + THREE + b"# mine\n\ns3 =\n  max = 1\n  # deep\n  min = 0\n",
            id="nested settings and comments",
        ),
        pytest.param(
            b"[default]\n  region = x\n",
            b"[default]\n  aws_access_key_id = ASIANEW\n  aws_secret_access_key = s/+=#;\n"
            b"  aws_session_token = t:=\n  region = x\n",
            id="indented keys, which would continue a value before them",
        ),
        pytest.param(
            b"[default]\nAWS_Session_Token =\n  one\n  # two\n\n  three\nregion = x\n",
            b"[default]\nAWS_Session_Token =t:=\naws_access_key_id = ASIANEW\n"
            b"aws_secret_access_key = s/+=#;\n  # two\n\nregion = x\n",
            id="a value over several lines",
        ),
        pytest.param(
            b"[default]\naws_security_token = old\nregion = x",
            b"[default]\n" + THREE + b"region = x",
            id="the old name of the token, which botocore prefers",
        ),
        pytest.param(
            b"[web]\naws_access_key_id = WEB\n[default]\n",
            b"[web]\naws_access_key_id = WEB\n[default]\n" + THREE,
            id="the same keys of another profile",
        ),
    ],
)
def test_an_edit_changes_what_it_must_and_nothing_else(
    before: bytes, after: bytes, parse: Parse
) -> None:
    assert edited(before, "default", ENTRIES) == after
    assert parse(after)["default"].items() >= NEW.items()
    assert "aws_security_token" not in parse(after)["default"]


@pytest.mark.parametrize("name", ["web", "my profile", "größe", "a/b-c.d@e", "profile x", "a#b;c"])
def test_a_profile_of_any_usual_name_is_written_and_found_again(name: str, parse: Parse) -> None:
    once = edited(b"[other]\nregion = x\n", name, NEW)
    assert parse(once) == {"other": {"region": "x"}, name: NEW}
    assert edited(once, name, NEW) == once


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"region = x\n[default]\n", "cannot be parsed: line 1 stands before any [profile]"),
        (b"\xef\xbb\xbf[default]\n", "cannot be parsed: line 1 stands before any [profile]"),
        (b"[a]\nSECRET\n", "cannot be parsed: line 2 is neither a [profile] nor key = value"),
        (b"[a]\n[b]\n[a]\n", "cannot be parsed: line 3 begins a profile that there was before"),
        (b"[a]\nx=1\nX=SECRET\n", "cannot be parsed: line 3 repeats a key of its profile"),
        (b"[a]\n# caf\xe9\n", "is not UTF-8 (line 2)"),
    ],
)
def test_what_botocore_cannot_read_is_refused_without_a_quote(
    content: bytes, message: str, parse: Parse
) -> None:
    with pytest.raises(ConfigParseError):
        parse(content)
    with pytest.raises(OperatorError) as refused:
        edited(content, "default", NEW)
    assert refused.value.message == f"the credentials file {message}"
    assert refused.value.hint == "no SDK of AWS's reads it reliably; mend it by hand"


def test_a_profile_with_spaces_inside_its_brackets_is_refused_not_doubled() -> None:
    with pytest.raises(OperatorError, match=r"profile \[ default \], with spaces inside"):
        edited(b"[ default ]\naws_access_key_id = OLD\n", "default", NEW)


def test_an_indented_header_is_a_header_unless_it_continues_a_value(parse: Parse) -> None:
    assert parse(edited(b"  [default]\nregion = x\n", "default", NEW)) == {
        "default": NEW | {"region": "x"}
    }
    continued = b"[web]\nnote = see\n  [default]\n"
    assert parse(edited(continued, "default", NEW)) == {
        "web": {"note": "see\n[default]"},
        "default": NEW,
    }


def test_a_token_that_every_profile_inherits_is_refused() -> None:
    with pytest.raises(OperatorError, match="cannot be changed without changing what else"):
        edited(b"[DEFAULT]\naws_security_token = old\n", "web", ENTRIES)


@pytest.mark.parametrize("name", ["", "DEFAULT", " a", "a ", "a]b", "[a", "a\nb", "a\x1b[2J"])
def test_what_cannot_be_a_profile_s_name_is_refused(name: str) -> None:
    with pytest.raises(OperatorError, match="not a profile's name"):
        edited(b"", name, NEW)


def test_a_value_that_would_be_read_as_more_lines_is_refused() -> None:
    with pytest.raises(OperatorError, match="cannot be changed"):
        edited(b"[default]\n", "default", {"aws_access_key_id": "x\n[web]"})


KEYS = st.sampled_from([*NEW, "aws_security_token", "region", "s3", "Aws_Session_Token", "é"])
INDENTS = st.sampled_from(["", "", " ", "  ", "\t", "    "])
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
LINES = st.one_of(
    st.builds("{}[{}]".format, INDENTS, st.sampled_from(["default", "web", "x y", "DEFAULT", "é"])),
    st.builds("{}{}{}{}".format, INDENTS, KEYS, st.sampled_from(["=", " = ", ":", " :\t"]), WORDS),
    st.builds("{}{}".format, INDENTS, WORDS),
    st.builds("{}#{}".format, INDENTS, WORDS),
    st.just(""),
)
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])
FILES = st.builds(
    lambda lines, last: ("".join(line + end for line, end in lines) + last).encode(),
    st.lists(st.tuples(LINES, ENDS), max_size=12),
    st.one_of(st.just(""), LINES),
)


def _says_default(content: bytes) -> bool:
    """Whether every profile may inherit something: then an edit may have to be refused."""
    return b"[DEFAULT]" in content


def _readable(parse: Parse, content: bytes) -> dict[str, Any]:
    try:
        return parse(content)
    except ConfigParseError:
        assume(False)
        raise


@given(content=FILES, profile=st.sampled_from(["default", "web", "x y", "new"]))
@example(content=b"[default]\n  aws_access_key_id = a\n region = x", profile="default")
@example(content=b"  [default]\n    region = x\n  s3 =\n", profile="default")
def test_for_botocore_only_the_keys_of_that_profile_change(
    parse: Parse, content: bytes, profile: str
) -> None:
    before = _readable(parse, content)
    assume(not _says_default(content))
    after = edited(content, profile, ENTRIES)
    kept = {k: value for k, value in before.get(profile, {}).items() if k not in ENTRIES}
    assert parse(after) == {**before, profile: {**kept, **NEW}}
    assert edited(after, profile, ENTRIES) == after


@given(content=FILES, profile=st.sampled_from(["default", "web", "x y", "new"]))
def test_every_other_line_keeps_its_bytes_and_its_place(
    parse: Parse, content: bytes, profile: str
) -> None:
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\r\n")
    _readable(parse, content)
    try:
        after = edited(content, profile, ENTRIES)
    except OperatorError:
        return
    ended = content if content.endswith(b"\n") else content + b"\r\n"
    stays = [line for line in ended.splitlines(keepends=True) if not _may_go(line)]
    assert _missing(stays, after.splitlines(keepends=True)) in ([], stays[-1:])
    come = set(after.splitlines()) - set(content.splitlines())
    assert all(_holds_a_new_value(line) or line in (b"", f"[{profile}]".encode()) for line in come)


def _may_go(line: bytes) -> bool:
    """Whether a line holds one of our keys, or may continue one's value."""
    keys = (key.encode() for key in ENTRIES)
    return line[:1].isspace() or any(key in line.lower() for key in keys)


def _holds_a_new_value(line: bytes) -> bool:
    return any(value.encode() in line for value in NEW.values())


def _missing(wanted: list[bytes], lines: list[bytes]) -> list[bytes]:
    """Give the lines that do not stand in `lines`, in this order, with their own ends."""
    rest = iter(lines)
    return [line for line in wanted if line not in rest]
