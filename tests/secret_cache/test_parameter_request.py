"""Requests for parameters read as the Parameters and Secrets Lambda Extension documents them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.aws.parameter import ParameterQuery
from sidecar.errors import BadRequest
from sidecar.secret_cache.parameter_request import parse_parameter_query
from sidecar.secret_cache.request import parse_target

ARN = "arn:aws:ssm:eu-central-1:123456789012:parameter/prod/url"


@pytest.mark.parametrize(
    "path", ["/systemsmanager/parameters/get", "/systemsmanager/parameters/get/"]
)
def test_both_ways_to_write_the_path_lead_there(path: str) -> None:
    assert parse_target(f"{path}?name=%2Fprod%2Furl") == ParameterQuery("/prod/url")


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        pytest.param("name=%2Fprod%2Furl", ParameterQuery("/prod/url"), id="encoded"),
        pytest.param("name=/prod/url", ParameterQuery("/prod/url"), id="bare slashes"),
        pytest.param(f"name={ARN}", ParameterQuery(ARN), id="an ARN"),
        pytest.param("name=a&version=3", ParameterQuery("a", version=3), id="a version"),
        pytest.param("name=a&label=live", ParameterQuery("a", label="live"), id="a label"),
        pytest.param(
            "version=3&label=live&name=a", ParameterQuery("a", version=3), id="version first"
        ),
        pytest.param(
            "label=live&name=a&version=3", ParameterQuery("a", label="live"), id="label first"
        ),
        pytest.param("name=a&version=3&version=4", ParameterQuery("a", 3), id="the first version"),
        pytest.param(
            "name=a&label=live&version=x", ParameterQuery("a", label="live"), id="only what counts"
        ),
        pytest.param("name=a&name=b", ParameterQuery("b"), id="the last name"),
        pytest.param(
            "name=a:3", ParameterQuery("a:3"), id="a selector in the name is AWS's to read"
        ),
        pytest.param(
            "name=a&withDecryption=true", ParameterQuery("a", with_decryption=True), id="decrypted"
        ),
        pytest.param("name=a&withDecryption=FALSE", ParameterQuery("a"), id="not decrypted"),
    ],
)
def test_what_is_asked_for(query: str, asked: ParameterQuery) -> None:
    assert parse_parameter_query(query) == asked


@pytest.mark.parametrize(
    ("query", "body"),
    [
        pytest.param("", "missing parameter name", id="nothing"),
        pytest.param("name=", "missing parameter name", id="an empty name"),
        pytest.param("version=3", "missing parameter name", id="only a version"),
        pytest.param("Name=a", "unknown parameter: Name", id="keys have a case"),
        pytest.param("name=a&secretId=b", "unknown parameter: secretId", id="a secret's key"),
        pytest.param("name=a&refreshNow=true", "unknown parameter: refreshNow", id="no refresh"),
        pytest.param("name=a&version=", "invalid version value", id="an empty version"),
        pytest.param("name=a&version=0", "invalid version value", id="there is no version 0"),
        pytest.param("name=a&version=-1", "invalid version value", id="a sign"),
        pytest.param("name=a&version=%D9%A3", "invalid version value", id="digits of elsewhere"),
        pytest.param(f"name=a&version={'9' * 20}", "invalid version value", id="no 64-bit number"),
        pytest.param("name=a&version=live", "invalid version value", id="a label as version"),
        pytest.param(f"name=a&label={101 * 'l'}", "invalid label value", id="a long label"),
        pytest.param("name=a&label=", "invalid label value", id="an empty label"),
        pytest.param("name=a&withDecryption=", "invalid withDecryption value", id="no answer"),
        pytest.param("name=a&withDecryption=yes", "invalid withDecryption value", id="other words"),
        pytest.param(
            "withDecryption=x&b=1", "invalid withDecryption value", id="the first that is wrong"
        ),
    ],
)
def test_a_malformed_request_is_refused_in_the_words_for_secrets(query: str, body: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_parameter_query(query)
    assert caught.value.message == body


@given(st.text(max_size=30) | st.builds("name=a&{}".format, st.text(max_size=30)))
def test_whatever_is_sent_is_read_or_refused(query: str) -> None:
    try:
        asked = parse_parameter_query(query)
    except BadRequest:
        return
    assert asked.name
    assert asked.version is None or asked.label is None
