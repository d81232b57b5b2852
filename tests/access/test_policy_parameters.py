"""Which parameters an app may read, and with which roles: in every form of a name."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.access.policy import App
from sidecar.redaction import Secret

ARN = "arn:aws:ssm:eu-central-1:123456789012:parameter"
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
REFERENCE = "/aws/reference/secretsmanager/"
ROLE = "arn:aws:iam::123456789012:role/"


def _app(*parameters: str, secrets: tuple[str, ...] = ()) -> App:
    return App("web", (), secrets, parameters)


def _told(**members: object) -> Secret:
    return Secret(json.dumps(members))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        pytest.param("/prod/web/url", "/prod/web/url", id="the name itself"),
        pytest.param("/prod/*", "/prod/web/url", id="a pattern"),
        pytest.param("flat", "flat", id="a flat name"),
        pytest.param("flat", "/flat", id="a slash in the name only"),
        pytest.param("/flat", "flat", id="a slash in the pattern only"),
        pytest.param("/prod/*", f"{ARN}/prod/web/url", id="an ARN"),
        pytest.param("flat", f"{ARN}/flat", id="the ARN of a flat name"),
        pytest.param("/prod/url", "/prod/url:3", id="a version"),
        pytest.param("/prod/url", "/prod/url:live", id="a label"),
        pytest.param("/prod/url", f"{ARN}/prod/url:3", id="an ARN and a version"),
        pytest.param("/prod/url", "/prod/url:3:4", id="two selectors, which AWS refuses"),
        pytest.param("/aws/service/*", "/aws/service/ami-amazon-linux-latest/x", id="public"),
        pytest.param("*", "/anything", id="everything"),
    ],
)
def test_a_parameter_that_a_pattern_covers_may_be_asked_for_and_read(
    pattern: str, name: str
) -> None:
    app = _app("other", pattern)
    assert app.may_name_parameter(name)
    assert app.may_read_parameter(name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        pytest.param("/prod/url", "/prod/url2", id="a longer name"),
        pytest.param("/prod/*", "/dev/url", id="another path"),
        pytest.param("/prod/*", "/dev/prod/url", id="in the middle of a name"),
        pytest.param("/prod/*", f"{ARN}/dev/url", id="the ARN of another"),
        pytest.param("flat", "//flat", id="two slashes"),
        pytest.param("/prod/url:3", "/prod/url:3", id="patterns are of names, not of versions"),
        pytest.param("/prod/*", "/dev/url:/prod/x", id="a name in the selector"),
        pytest.param("/prod/*", "arn:x:/prod/url", id="what only begins like an ARN"),
        pytest.param("/prod/*", "arn:aws:s3:::parameter/prod/url", id="the ARN of another service"),
        pytest.param(f"{ARN}/prod/*", f"{ARN}/prod/url", id="patterns are of names, not of ARNs"),
    ],
)
def test_another_parameter_may_be_neither_asked_for_nor_read(pattern: str, name: str) -> None:
    app = _app("other", pattern)
    assert not app.may_name_parameter(name)
    assert not app.may_read_parameter(name)


def test_an_app_without_patterns_reads_no_parameter() -> None:
    assert not _app(secrets=("*",)).may_name_parameter("/prod/url")
    assert not _app(secrets=("*",)).may_read_parameter("")


def test_a_name_longer_than_aws_takes_is_not_even_looked_at() -> None:
    assert _app("*").may_name_parameter("a" * 2048)
    assert not _app("*").may_name_parameter("a" * 2049)
    assert not _app(secrets=("*",)).may_name_parameter(REFERENCE + "a" * 2048)


@pytest.mark.parametrize(
    "name",
    [
        f"{REFERENCE}prod/web",
        f"{REFERENCE}prod/web:AWSPREVIOUS",
        f"{REFERENCE[1:]}prod/web",
        f"/{REFERENCE}prod/web",
        f"{REFERENCE.upper()}prod/web",
        f"{ARN}{REFERENCE}prod/web",
        f"{ARN}{REFERENCE}prod/web:AWSPREVIOUS",
    ],
)
def test_a_parameter_that_stands_for_a_secret_is_judged_as_that_secret(name: str) -> None:
    for allowed in (_app(secrets=("prod/*",)), _app("/aws/*", secrets=("prod/web",))):
        assert allowed.may_name_parameter(name)
        assert allowed.may_read_parameter(name)
    for denied in (_app("*"), _app("*", secrets=("dev/*",)), _app(REFERENCE + "*")):
        assert not denied.may_name_parameter(name)
        assert not denied.may_read_parameter(name)


@pytest.mark.parametrize(
    "secret", [f"{SECRET_ARN}prod/web-AbCdEf", f"{SECRET_ARN}prod/web-AbCdEf:AWSPENDING"]
)
def test_a_secret_behind_a_parameter_may_be_named_by_arn(secret: str) -> None:
    name = REFERENCE + secret
    assert _app(secrets=("prod/web",)).may_name_parameter(name)
    assert not _app("*", secrets=("dev/*",)).may_name_parameter(name)


@pytest.mark.parametrize(
    ("source_result", "allowed"),
    [
        pytest.param(_told(ARN="a", name="prod/web"), True, id="as AWS writes it"),
        pytest.param(_told(Name="prod/web"), True, id="as Secrets Manager writes it"),
        pytest.param(_told(name="prod/web-AbCdEf"), False, id="the other reading of the ARN"),
        pytest.param(_told(name="prod/web", Name="prod/web"), False, id="two names"),
        pytest.param(_told(name=7), False, id="a number"),
        pytest.param(_told(ARN="a"), False, id="no name"),
        pytest.param(Secret('["name"]'), False, id="a list"),
        pytest.param(Secret("prod/web"), False, id="no JSON"),
        pytest.param(Secret("[" * 100_000), False, id="deep JSON"),
        pytest.param(None, False, id="nothing told"),
    ],
)
def test_the_real_name_of_a_secret_that_was_asked_for_by_arn_decides(
    source_result: Secret | None, allowed: bool
) -> None:
    name = f"{REFERENCE}{SECRET_ARN}prod/web-AbCdEf"
    assert _app(secrets=("prod/web",)).may_read_parameter(name, source_result) is allowed


@pytest.mark.parametrize(
    "name",
    [
        "/aws//reference/secretsmanager/prod/web",
        "/aws/./reference/secretsmanager/prod/web",
        "/aws/x/../reference/secretsmanager/prod/web",
        "/aws/reference//secretsmanager/prod/web",
        " /aws/reference/secretsmanager/prod/web",
        "/aws/reference /secretsmanager/prod/web",
        "/aws/reference/\tsecretsmanager/prod/web",
        "/aws/reference/\u00a0secretsmanager/prod/web",
        "./aws/reference/secretsmanager/prod/web",
        "../aws/reference/secretsmanager/prod/web",
        "//flat",
        "/prod/",
        "/prod/..",
        "",
    ],
)
def test_a_name_in_a_spelling_that_no_parameter_has_is_denied(name: str) -> None:
    app = _app("*", secrets=("*",))
    for asked in (name, f"{ARN}/{name.removeprefix('/')}", f"{name}:3"):
        assert not app.may_name_parameter(asked)
        assert not app.may_read_parameter(asked)


@pytest.mark.parametrize("name", ["/a.b/.c/..d/e..", "/prod/...", "a_b-c.D1"])
def test_dots_within_a_name_are_as_good_as_any_character(name: str) -> None:
    assert _app("*").may_name_parameter(name)
    assert _app("*").may_read_parameter(name)


def test_whatever_comes_with_a_secret_is_judged_as_that_secret() -> None:
    told = _told(name="prod/web")
    assert _app(secrets=("prod/*",)).may_read_parameter("/any", told)
    assert not _app("*", secrets=("dev/*",)).may_read_parameter("/any", told)
    assert not _app("*", secrets=("*",)).may_read_parameter("/any", Secret("{}"))


def test_what_aws_tells_of_a_secret_counts_for_more_than_the_name_that_was_asked_for() -> None:
    app = _app(secrets=("prod/web",))
    assert app.may_read_parameter(f"{REFERENCE}prod/web", _told(name="prod/web"))
    assert not app.may_read_parameter(f"{REFERENCE}prod/web", _told(name="prod/other"))


NAMES = st.text(alphabet="ab/.", max_size=8)


@given(NAMES, NAMES)
@example("a", "/a")
def test_a_name_and_its_arn_are_judged_alike(pattern: str, name: str) -> None:
    app = _app(pattern)
    assert app.may_name_parameter(f"{ARN}/{name.removeprefix('/')}") == app.may_name_parameter(name)


@given(NAMES, NAMES, st.sampled_from(["3", "live", "", "a:b", "/a"]))
def test_a_selector_changes_nothing(pattern: str, name: str, selector: str) -> None:
    app = _app(pattern)
    assert app.may_name_parameter(f"{name}:{selector}") == app.may_name_parameter(name)


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (f"{ROLE}reader", True),
        (f"{ROLE}read*", True),
        ("*", True),
        (f"{ROLE}writer", False),
        (f"{ROLE}reader2", False),
        ("reader", False),
        ("arn:aws:iam::999999999999:role/*", False),
    ],
)
def test_a_role_may_be_named_where_a_pattern_covers_its_arn(pattern: str, allowed: bool) -> None:
    app = App("web", ("reader",), ("*",), ("*",), ("other", pattern))
    assert app.may_assume(f"{ROLE}reader") is allowed


def test_an_app_without_patterns_may_name_no_role() -> None:
    assert not App("web", (f"{ROLE}reader",), ("*",), ("*",)).may_assume(f"{ROLE}reader")
