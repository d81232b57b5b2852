"""The body of an answer, byte for byte."""

import base64
import json
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.aws.secret import SecretValue
from sidecar.redaction import Secret
from sidecar.secret_cache.secret_body import agent_body, api_body, epoch_text

ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:MyTest-a1b2c3"
VALUE = SecretValue(
    arn=ARN,
    name="MyTest",
    version_id="a1b2c3d4-5678-90ab-cdef-EXAMPLE11111",
    text=Secret('{"user":"web"}'),
    binary=None,
    version_stages=("AWSCURRENT", "blue"),
    created_at=datetime(2019, 9, 26, 21, 32, 14, 46000, UTC),
)
HEAD = f'{{"ARN":"{ARN}","Name":"MyTest","VersionId":"a1b2c3d4-5678-90ab-cdef-EXAMPLE11111",'
STAGES = '"VersionStages":["AWSCURRENT","blue"],'
DATE = '"CreatedDate":"1569533534.046"}'


@pytest.mark.parametrize(
    ("value", "body"),
    [
        pytest.param(
            VALUE, HEAD + '"SecretString":"{\\"user\\":\\"web\\"}",' + STAGES + DATE, id="text"
        ),
        pytest.param(
            replace(VALUE, text=None, binary=Secret("AP8=")),
            HEAD + '"SecretBinary":"AP8=",' + STAGES + DATE,
            id="binary",
        ),
        pytest.param(
            replace(VALUE, text=Secret("a"), binary=Secret("AP8=")),
            HEAD + '"SecretString":"a","SecretBinary":"AP8=",' + STAGES + DATE,
            id="both, in this order",
        ),
        pytest.param(
            replace(VALUE, text=Secret(""), version_stages=()),
            HEAD + '"SecretString":"",' + DATE,
            id="an empty text is there, empty stages are not",
        ),
        pytest.param(
            replace(VALUE, text=Secret('é€😀"\\\n\t\x01\x7f/<')),
            HEAD + '"SecretString":"é€😀\\"\\\\\\n\\t\\u0001\x7f/<",' + STAGES + DATE,
            id="characters of every kind",
        ),
        pytest.param(
            replace(VALUE, text=Secret("a"), created_at=None),
            HEAD + '"SecretString":"a",' + STAGES + '"CreatedDate":null}',
            id="no date",
        ),
    ],
)
def test_the_body_is_what_aws_s_agent_sends(value: SecretValue, body: str) -> None:
    assert agent_body(value) == body.encode()


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        pytest.param(datetime(2019, 9, 26, 21, 32, 14, tzinfo=UTC), "1569533534", id="whole"),
        pytest.param(datetime(2019, 9, 26, 21, 32, 14, 1, UTC), "1569533534.000001", id="micros"),
        pytest.param(datetime(2019, 9, 26, 21, 32, 14, 500000, UTC), "1569533534.5", id="half"),
        pytest.param(datetime(2019, 9, 26, 21, 32, 14, 100000, UTC), "1569533534.1", id="tenth"),
        pytest.param(
            datetime(2019, 9, 26, 23, 32, 14, 46000, timezone(timedelta(hours=2))),
            "1569533534.046",
            id="another zone",
        ),
        pytest.param(
            datetime(2025, 10, 26, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
            "1761442200",
            id="the second of two equal hours",
        ),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), "0", id="the epoch"),
    ],
)
def test_a_date_is_epoch_seconds_with_no_more_of_a_fraction_than_there_is(
    moment: datetime, text: str
) -> None:
    assert epoch_text(moment) == text


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_date_is_exact_to_the_microsecond(moment: datetime) -> None:
    text = epoch_text(moment)
    microseconds = int(Decimal(text) * 1_000_000)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds) == moment
    assert not text.endswith(".")
    assert set(text) <= set(string.digits + ".")


@given(text=st.none() | st.text(), binary=st.none() | st.binary(), name=st.text())
def test_a_client_reads_back_what_aws_gave(
    text: str | None, binary: bytes | None, name: str
) -> None:
    encoded = None if binary is None else Secret(base64.b64encode(binary).decode())
    value = replace(VALUE, name=name, text=None if text is None else Secret(text), binary=encoded)
    read = json.loads(agent_body(value))
    assert (read["Name"], read.get("SecretString")) == (name, text)
    assert ("SecretString" in read, "SecretBinary" in read) == (
        text is not None,
        binary is not None,
    )
    assert base64.b64decode(read.get("SecretBinary", "")) == (binary or b"")


def test_a_large_secret_passes_whole() -> None:
    body = agent_body(replace(VALUE, text=Secret("x" * 65536)))
    assert json.loads(body)["SecretString"] == "x" * 65536


def test_half_a_surrogate_pair_is_sent_escaped() -> None:
    body = agent_body(replace(VALUE, text=Secret("half \ud83d")))
    assert b'"SecretString":"half \\ud83d"' in body
    assert json.loads(body)["SecretString"] == "half \ud83d"


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        (datetime(2019, 9, 26, 21, 32, 14, 46000, UTC), ',"CreatedDate":1569533534.046}'),
        (datetime(2019, 9, 26, 21, 32, 14, tzinfo=UTC), ',"CreatedDate":1569533534}'),
        (None, "}"),
    ],
)
def test_the_api_s_body_has_a_number_for_a_date_and_nothing_that_is_absent(
    moment: datetime | None, date: str
) -> None:
    value = replace(VALUE, text=Secret("a"), version_stages=(), created_at=moment)
    assert api_body(value) == (HEAD[:-1] + ',"SecretString":"a"' + date).encode()
