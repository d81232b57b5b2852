"""What a parameter's name holds: a version or a label may stand behind it."""

import pytest

from sidecar.aws.parameter import ParameterQuery

ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/web/color"


@pytest.mark.parametrize(
    ("written", "query"),
    [
        ("/web/color", ParameterQuery("/web/color")),
        ("/web/color:3", ParameterQuery("/web/color", version=3)),
        ("/web/color:live", ParameterQuery("/web/color", label="live")),
        (ARN, ParameterQuery(ARN)),
        (f"{ARN}:3", ParameterQuery(ARN, version=3)),
        (f"{ARN}:live", ParameterQuery(ARN, label="live")),
        ("a:03", ParameterQuery("a", label="03")),
        ("a:0", ParameterQuery("a", label="0")),
        ("a:٣", ParameterQuery("a", label="٣")),
        ("a:b:c", ParameterQuery("a", label="b:c")),
        ("a:", ParameterQuery("a:")),
        (f"{ARN}:", ParameterQuery(f"{ARN}:")),
        (":3", ParameterQuery("", version=3)),
        ("arn:aws:ssm", ParameterQuery("arn:aws:ssm")),
        ("", ParameterQuery("")),
    ],
)
def test_a_selector_is_told_from_the_name_and_aws_is_asked_for_the_same(
    written: str, query: ParameterQuery
) -> None:
    assert ParameterQuery.parse(written) == query
    assert query.selected_name == written


@pytest.mark.parametrize("written", ["a", "a:3", "a:live"])
def test_decryption_is_kept(written: str) -> None:
    assert ParameterQuery.parse(written, with_decryption=True).with_decryption
    assert not ParameterQuery.parse(written).with_decryption
