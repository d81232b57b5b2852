"""What an app may have: patterns in which only the star is special, and both readings of an ARN."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.access.names import possible_names
from sidecar.access.policy import App

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"


def _app(*secrets: str, roles: tuple[str, ...] = ()) -> App:
    return App("web", roles, secrets)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        pytest.param("prod/web", "prod/web", id="the name itself"),
        pytest.param("prod/*", "prod/web", id="an end"),
        pytest.param("prod/*", "prod/a/b", id="an end with slashes"),
        pytest.param("prod/*", "prod/", id="an empty end"),
        pytest.param("*/web", "prod/web", id="a beginning"),
        pytest.param("prod/*/db", "prod/web/db", id="a middle"),
        pytest.param("*", "anything/at.all", id="everything"),
        pytest.param("*", "two\nlines", id="everything, line ends too"),
        pytest.param("p*d/*", "prod/web", id="several stars"),
        pytest.param("**", "x", id="two stars in a row"),
        pytest.param("a.b+c", "a.b+c", id="metacharacters as themselves"),
    ],
)
def test_a_secret_that_a_pattern_covers_may_be_read(pattern: str, name: str) -> None:
    assert _app("other", pattern).may_read_secret(name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        pytest.param("prod/web", "prod/web2", id="a longer name"),
        pytest.param("prod/web", "prod/we", id="a shorter name"),
        pytest.param("prod/web", "prod/web\n", id="a newline at the end"),
        pytest.param("prod/web", "PROD/WEB", id="capitals"),
        pytest.param("prod/*", "dev/prod/web", id="in the middle of a name"),
        pytest.param("prod/*", "prod", id="without the slash"),
        pytest.param("*/db", "prod/db/x", id="more at the end"),
        pytest.param("prod/web", "prod/web-AbCdEf", id="a real name that looks suffixed"),
        pytest.param("a.b", "axb", id="a dot is a dot"),
        pytest.param("a?", "ab", id="a question mark is one"),
        pytest.param("[ab]", "a", id="brackets are brackets"),
        pytest.param("a|b", "a", id="a bar is a bar"),
        pytest.param("a\\d", "a1", id="a backslash is one"),
        pytest.param("^a$", "a", id="anchors are characters"),
    ],
)
def test_a_secret_that_no_pattern_covers_may_not_be_read(pattern: str, name: str) -> None:
    assert not _app("other", pattern).may_read_secret(name)


def test_an_app_without_patterns_reads_nothing() -> None:
    assert not _app().may_read_secret("")


NAMES = st.text(alphabet=st.sampled_from("ab/.*+?[](){}|^$\\-\n é"), max_size=8)


@given(NAMES.filter(lambda pattern: "*" not in pattern), NAMES)
@example("a", "a\n")
@example("a.b", "axb")
def test_a_pattern_without_a_star_covers_only_itself(pattern: str, name: str) -> None:
    assert _app(pattern).may_read_secret(name) == (pattern == name)


@given(NAMES, NAMES)
def test_a_star_at_the_end_covers_exactly_what_begins_so(start: str, name: str) -> None:
    start = start.replace("*", "")
    assert _app(start + "*").may_read_secret(name) == name.startswith(start)


@given(st.lists(NAMES.map(lambda part: part.replace("*", "")), min_size=2, max_size=4), NAMES)
def test_stars_may_be_filled_with_anything(parts: list[str], filling: str) -> None:
    assert _app("*".join(parts)).may_read_secret(filling.join(parts))


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=12))
def test_patterns_mean_what_the_same_regular_expression_means(pattern: str, name: str) -> None:
    meant = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    assert _app(pattern).may_read_secret(name) == bool(meant.fullmatch(name))


def test_no_name_makes_a_pattern_go_back_over_it_again_and_again() -> None:
    # A regular expression of this shape takes longer than the age of the universe on this name.
    assert not _app("*-" * 12 + "x").may_read_secret("-" * 2048)


def test_an_id_longer_than_aws_takes_is_not_even_looked_at() -> None:
    assert _app("*").may_name_secret("a" * 2048)
    assert not _app("*").may_name_secret("a" * 2049)


@pytest.mark.parametrize(
    ("secret_id", "names"),
    [
        pytest.param("prod/web", ("prod/web",), id="a name"),
        pytest.param("prod/web-AbCdEf", ("prod/web-AbCdEf",), id="a name is taken as it is"),
        pytest.param(ARN + "prod/web-AbCdEf", ("prod/web-AbCdEf", "prod/web"), id="a whole ARN"),
        pytest.param(ARN + "prod/web", ("prod/web", "prod/web"), id="a partial ARN"),
        pytest.param(ARN + "a:b-AbCdEf", ("a:b-AbCdEf", "a:b"), id="a colon in the name"),
        pytest.param(ARN + "a-AbCdEf\n", ("a-AbCdEf\n", "a-AbCdEf\n"), id="a newline behind it"),
    ],
)
def test_the_names_that_an_id_may_stand_for(secret_id: str, names: tuple[str, ...]) -> None:
    assert possible_names(secret_id) == names


@pytest.mark.parametrize(
    ("pattern", "secret_id"),
    [
        pytest.param("prod/web", "prod/web", id="its name"),
        pytest.param("prod/web", ARN + "prod/web-AbCdEf", id="its ARN"),
        pytest.param("prod/web", ARN + "prod/web", id="its ARN without the suffix"),
        pytest.param("prod/blue-carpet", ARN + "prod/blue-carpet", id="a name like a suffix"),
        pytest.param("prod/*", ARN + "prod/web-AbCdEf", id="a pattern and an ARN"),
        pytest.param("*", ARN + "prod/web-AbCdEf", id="everything"),
    ],
)
def test_asking_for_a_secret_by_name_or_arn_can_be_right(pattern: str, secret_id: str) -> None:
    assert _app(pattern).may_name_secret(secret_id)


@pytest.mark.parametrize(
    ("pattern", "secret_id"),
    [
        pytest.param("prod/web", "dev/web", id="another name"),
        pytest.param("prod/web", ARN + "dev/web-AbCdEf", id="another secret's ARN"),
        pytest.param("prod/web", ARN + "prod/web-AbCdE", id="five characters are no suffix"),
        pytest.param("prod/web", ARN + "prod/web-AbCdEfG", id="seven are none either"),
        pytest.param("prod/web", "prod/web-AbCdEf", id="a suffix outside an ARN"),
        pytest.param("arn:*", ARN + "prod/web-AbCdEf", id="patterns are of names, not ARNs"),
    ],
)
def test_asking_for_another_secret_cannot_be_right(pattern: str, secret_id: str) -> None:
    assert not _app(pattern).may_name_secret(secret_id)


@given(NAMES, st.from_regex(re.compile(r"\A[A-Za-z0-9]{6}\Z")))
def test_whoever_may_read_a_secret_may_ask_for_it_by_its_arn(name: str, suffix: str) -> None:
    assert _app(name).may_name_secret(f"{ARN}{name}-{suffix}")


@pytest.mark.parametrize(("role", "allowed"), [("web", True), ("batch", True), ("admin", False)])
def test_an_app_has_its_own_roles_only(role: str, allowed: bool) -> None:
    assert _app(roles=("web", "batch")).may_have_role(role) is allowed
