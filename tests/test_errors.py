"""The error tree: every error says who must act, with a status and whether a retry may help."""

import re

import pytest

from sidecar import errors
from sidecar.errors import (
    BadRequest,
    CallerError,
    ConfigError,
    Forbidden,
    IdentityError,
    ListenError,
    NotFound,
    NotReady,
    OperatorError,
    Problem,
    SidecarError,
    Unauthenticated,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)


@pytest.mark.parametrize(
    ("kind", "parent", "status", "retryable"),
    [
        (IdentityError, OperatorError, 500, False),
        (ListenError, OperatorError, 500, False),
        (BadRequest, CallerError, 400, False),
        (Unauthenticated, CallerError, 401, False),
        (Forbidden, CallerError, 403, False),
        (NotFound, CallerError, 404, False),
        (NotReady, SidecarError, 503, True),
        (UpstreamRefused, UpstreamError, 502, False),
        (UpstreamUnavailable, UpstreamError, 503, True),
        (UpstreamTimeout, UpstreamUnavailable, 504, True),
        (UpstreamUnreachable, UpstreamUnavailable, 502, True),
    ],
)
def test_every_error_has_its_place_status_and_retry(
    kind: type[SidecarError], parent: type[SidecarError], status: int, retryable: bool
) -> None:
    error = kind("what failed: value", hint="what to do")
    assert isinstance(error, parent)
    assert (error.http_status, error.retryable) == (status, retryable)
    assert (str(error), error.message, error.hint) == (
        "what failed: value",
        "what failed: value",
        "what to do",
    )


def test_the_drawn_tree_shows_every_error_under_its_parent() -> None:
    drawn: dict[str, str] = {}
    above = ["SidecarError"]
    for indent, name in re.findall(r"^    ([│ ]*)[├└]── (\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(indent) // 4 + 1
        above[depth:] = [name]
        drawn[name] = above[depth - 1]
    declared = {
        name: each.__base__.__name__
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, SidecarError) and each.__base__
    }
    del declared["SidecarError"]
    assert drawn == declared


def test_upstream_errors_keep_what_aws_answered() -> None:
    error = UpstreamRefused("refused", status=403, code="AccessDeniedException")
    assert (error.status, error.code) == (403, "AccessDeniedException")
    silent = UpstreamUnavailable("no answer")
    assert (silent.status, silent.code, silent.hint) == (0, "", "")


@pytest.mark.parametrize(
    ("count", "message"),
    [(1, "configuration has 1 problem"), (2, "configuration has 2 problems")],
)
def test_a_configuration_error_holds_every_problem(count: int, message: str) -> None:
    problems = [Problem(f"aws.key{n}", "is unknown") for n in range(count)]
    error = ConfigError(problems)
    assert str(error) == message
    assert error.problems == tuple(problems)
    assert isinstance(error, OperatorError)


def test_a_problem_reads_as_where_and_what() -> None:
    assert str(Problem("aws.region", "is missing", "set it")) == "aws.region: is missing"
