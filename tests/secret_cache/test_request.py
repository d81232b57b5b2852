"""Requests read as AWS's own agent reads them, its odd rules included."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.secret import SecretQuery
from sidecar.errors import BadRequest, NotFound
from sidecar.secret_cache.request import SecretRequest, parse_target

GET = "/secretsmanager/get?"
ROLE = "arn:aws:iam::123456789012:role/web"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/web-AbCdEf"
BAD_ROLE = "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>"


def _for(secret_id: str, **versions: str) -> SecretRequest:
    return SecretRequest(SecretQuery(secret_id, **versions))


def _secret(target: str) -> SecretRequest:
    asked = parse_target(target)
    assert isinstance(asked, SecretRequest)
    return asked


@pytest.mark.parametrize(
    ("target", "request_"),
    [
        pytest.param(f"{GET}secretId=a", _for("a"), id="a name"),
        pytest.param(f"{GET}secretId={ARN}", _for(ARN), id="an ARN"),
        pytest.param(f"{GET}secretId=prod%2Fweb", _for("prod/web"), id="an encoded slash"),
        pytest.param(f"{GET}secretId=prod/web", _for("prod/web"), id="a bare slash"),
        pytest.param(f"{GET}secretId=a+b", _for("a b"), id="a plus is a blank"),
        pytest.param(f"{GET}secretId=a%2Bb", _for("a+b"), id="an encoded plus is one"),
        pytest.param(f"{GET}secretId=%E2%82%AC", _for("€"), id="UTF-8"),
        pytest.param(f"{GET}secretId=%FF", _for("\ufffd"), id="no UTF-8"),
        pytest.param(f"{GET}secretId=100%", _for("100%"), id="a per cent sign alone"),
        pytest.param(f"{GET}secretId=a&secretId=b", _for("b"), id="the last one counts"),
        pytest.param(f"{GET}secretId=a&&", _for("a"), id="empty pairs"),
        pytest.param(f"{GET}secretId=a#secretId=b", _for("a"), id="a fragment"),
        pytest.param(f"{GET}secretId=a?b", _for("a?b"), id="a second question mark"),
        pytest.param(
            f"{GET}secretId=a&versionId=v&versionStage=s",
            _for("a", version_id="v", version_stage="s"),
            id="version and stage",
        ),
        pytest.param(
            f"{GET}secretId=a&versionId={64 * 'v'}&versionStage={256 * 's'}",
            _for("a", version_id=64 * "v", version_stage=256 * "s"),
            id="the longest",
        ),
        pytest.param(f"{GET}secretId=a&versionId=", _for("a", version_id=""), id="empty version"),
        pytest.param(f"{GET}secretId=a&versionId", _for("a", version_id=""), id="version, no ="),
        pytest.param(f"{GET}refreshNow=1&secretId=a&refreshNow=0", _for("a"), id="twice, in order"),
        pytest.param("/v1/a", _for("a"), id="a name in the path"),
        pytest.param("/v1/prod/web/db", _for("prod/web/db"), id="slashes in the path"),
        pytest.param(f"/v1/{ARN}", _for(ARN), id="an ARN in the path"),
        pytest.param("/v1/a%2Fb", _for("a%2Fb"), id="no decoding in the path"),
        pytest.param("/v1/a+b", _for("a+b"), id="a plus in the path"),
        pytest.param("/v1/a/", _for("a/"), id="a slash at the end"),
        pytest.param("/v1//a", _for("/a"), id="two slashes"),
        pytest.param("/v1/ping", _for("ping"), id="a secret called ping"),
        pytest.param("/v1/a?versionStage=AWSPREVIOUS", _for("a", version_stage="AWSPREVIOUS")),
        pytest.param("/v1/a?", _for("a"), id="an empty query"),
        pytest.param("/v1/a#b", _for("a"), id="a fragment in the path"),
        pytest.param("/v1/x/../a", _for("a"), id="dots that stay inside"),
        pytest.param("/v1/./a", _for("a"), id="a dot"),
        pytest.param("/v1/x/%2E%2e/a", _for("a"), id="encoded dots"),
        pytest.param("/v1/x/.%2E/a", _for("a"), id="half-encoded dots"),
        pytest.param("/v1/a/..b", _for("a/..b"), id="dots in a name"),
        pytest.param("/v1/a/.", _for("a/"), id="a dot at the end"),
        pytest.param("/v1/../../v1/a", _for("a"), id="dots above the root"),
        pytest.param("/v1/../abcdef", _for("def"), id="dots out of the prefix, cut by its length"),
        pytest.param("/v1/a\\b", _for("a/b"), id="a backslash is a slash"),
        pytest.param('/v1/{a}`"<b>é', _for("%7Ba%7D%60%22%3Cb%3E%C3%A9"), id="as URLs encode it"),
        pytest.param("/v1/a!$&'()*,;=:@_~-.[]|", _for("a!$&'()*,;=:@_~-.[]|"), id="as it is"),
    ],
)
def test_what_is_asked_for(target: str, request_: SecretRequest) -> None:
    assert parse_target(target) == request_


@pytest.mark.parametrize(
    ("prefix", "target", "secret_id"),
    [
        ("/secrets/", "/secrets/prod/web", "prod/web"),
        ("/", "/prod/web", "prod/web"),
        ("/", "/v1/prod/web", "v1/prod/web"),
        ("/a/b/", "/a/b/c", "c"),
    ],
)
def test_another_prefix_may_be_chosen(prefix: str, target: str, secret_id: str) -> None:
    assert parse_target(target, prefix) == _for(secret_id)


def test_no_prefix_takes_a_route_away() -> None:
    assert parse_target(f"{GET}secretId=a", "/") == _for("a")
    assert parse_target("/systemsmanager/parameters/get?name=a", "/") == ParameterQuery("a")
    with pytest.raises(NotFound):
        parse_target("/v1/a", "/v2/")


@pytest.mark.parametrize(
    ("target", "body"),
    [
        pytest.param(GET, "missing parameter secretId", id="no parameter"),
        pytest.param("/secretsmanager/get", "missing parameter secretId", id="no query"),
        pytest.param(f"{GET}secretId=", "missing parameter secretId", id="an empty id"),
        pytest.param(f"{GET}versionId=v", "missing parameter secretId", id="only a version"),
        pytest.param(f"{GET}secretId=a&secretId=", "missing parameter secretId", id="last empty"),
        pytest.param(f"{GET}secretid=a", "unknown parameter: secretid", id="keys have a case"),
        pytest.param(f"{GET}secretId=a&abc=1", "unknown parameter: abc", id="an unknown key"),
        pytest.param(f"{GET}=a", "unknown parameter: ", id="an empty key"),
        pytest.param(f"{GET}secretId=a;b=c&d", "unknown parameter: d", id="no semicolons"),
        pytest.param("/v1/", "missing secret ID", id="no id in the path"),
        pytest.param("/v1/?versionId=v", "missing secret ID", id="only a version in the path"),
        pytest.param("/v1/a/..", "missing secret ID", id="dots up to nothing"),
        pytest.param("/v1/../x", "missing secret ID", id="dots up to less than the prefix"),
        pytest.param("/v1/?abc=1", "missing secret ID", id="no id before an unknown key"),
        pytest.param(f"{GET}abc=1", "unknown parameter: abc", id="an unknown key before no id"),
        pytest.param(f"{GET}refreshNow=x", "invalid refreshNow value", id="refresh before no id"),
        pytest.param(
            f"{GET}secretId=a&refreshNow=x&b=1", "invalid refreshNow value", id="the first counts"
        ),
        pytest.param(
            f"{GET}secretId=a&b=1&refreshNow=x", "unknown parameter: b", id="the first, turned"
        ),
        pytest.param(
            f"{GET}secretId=a&refreshNow=x&refreshNow=1",
            "invalid refreshNow value",
            id="each refresh is looked at",
        ),
        pytest.param(f"{GET}secretId=a&versionId={65 * 'v'}", "invalid versionId value", id="long"),
        pytest.param(
            f"{GET}secretId=a&versionStage={257 * 's'}", "invalid versionStage value", id="stage"
        ),
        pytest.param(
            f"{GET}secretId=a&roleArn=arn:aws:iam::123456789012:role/{2018 * 'r'}",
            BAD_ROLE,
            id="a long role",
        ),
        pytest.param(f"{GET}roleArn=x", "missing parameter secretId", id="no id before a role"),
        pytest.param(f"{GET}roleArn=x&b=1", "unknown parameter: b", id="a key before a role"),
        pytest.param("/v1/a?secretId=b", "unknown parameter: secretId", id="an id twice over"),
        pytest.param("/v1/a?refreshNow=maybe", "invalid refreshNow value", id="refresh"),
        pytest.param(f"{GET}secretId=a&roleArn=x", BAD_ROLE, id="role"),
    ],
)
def test_a_malformed_request_is_refused_in_aws_s_own_words(target: str, body: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_target(target)
    assert caught.value.message == body


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "",
        "*",
        "/v1",
        "/V1/a",
        "/v2/a",
        "/secretsmanager/get/",
        "/secretsmanager/get/?secretId=a",
        "/SecretsManager/get?secretId=a",
        "/systemsmanager/parameters?name=a",
        "/systemsmanager/parameters/get//?name=a",
        "/SystemsManager/parameters/get?name=a",
        "/x/../v1/a",
        "/../v1/a",
        "/./v1/a",
        "/x/../secretsmanager/get?secretId=a",
        "/v1%2Fa",
        "http://127.0.0.1:2773/v1/a",
        "?secretId=a",
    ],
)
def test_every_other_path_leads_nowhere(target: str) -> None:
    with pytest.raises(NotFound, match=r"^Not found$"):
        parse_target(target)


@pytest.mark.parametrize("text", ["true", "TRUE", "True", "tRuE", "1"])
def test_a_refresh_can_be_asked_for(text: str) -> None:
    assert _secret(f"/v1/a?refreshNow={text}").refresh_now


@pytest.mark.parametrize("text", ["false", "FALSE", "False", "0"])
def test_a_refresh_can_be_declined(text: str) -> None:
    assert not _secret(f"/v1/a?refreshNow={text}").refresh_now


@pytest.mark.parametrize("text", ["", "yes", "2", "01", "true%20", "+1", "on"])
def test_a_refresh_in_other_words_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"^invalid refreshNow value$"):
        parse_target(f"/v1/a?refreshNow={text}")


@pytest.mark.parametrize(
    "role_arn",
    [
        ROLE,
        "arn:aws-us-gov:iam::123456789012:role/web",
        "arn:aws:iam::123456789012:role/a/path/web",
        "arn:aws:iam::123456789012:role/all=,.@-kinds",
    ],
)
def test_a_role_may_be_named(role_arn: str) -> None:
    assert _secret(f"/v1/a?roleArn={role_arn}").role_arn == role_arn


@pytest.mark.parametrize(
    "role_arn",
    [
        "",
        "web",
        "arn:aws:iam::123456789012:user/web",
        "arn:aws:iam::12345678901:role/web",
        "arn:aws:iam::1234567890123:role/web",
        "arn:aws:iam:eu-central-1:123456789012:role/web",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/a%20b",
        f"{ROLE}%0A",
        f"x{ROLE}",
    ],
)
def test_a_role_in_another_form_is_refused(role_arn: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_target(f"/v1/a?roleArn={role_arn}")
    assert caught.value.message == BAD_ROLE


@given(
    st.text(max_size=30) | st.builds("/v1/{}".format, st.text()) | st.builds(GET.__add__, st.text())
)
@example("/v1/a\ud800")
def test_whatever_is_sent_is_read_or_refused(target: str) -> None:
    try:
        asked = parse_target(target)
    except (BadRequest, NotFound):
        return
    assert asked.query.secret_id if isinstance(asked, SecretRequest) else asked.name


@given(st.lists(st.sampled_from(["..", ".", "%2e%2E", "a", "", "v1", ".%2e"]), max_size=8))
def test_no_way_through_dots_leaves_a_dot_segment_in_the_id(segments: list[str]) -> None:
    try:
        secret_id = _secret("/v1/" + "/".join(segments)).query.secret_id
    except (BadRequest, NotFound):
        return
    assert not {".", "..", "%2e%2E", ".%2e"} & set(secret_id.split("/"))
