"""ARNs: what is accepted, and a twin of each that is not."""

from collections.abc import Callable

import pytest

from sidecar.arn import Arn, profile_arn, role_arn, trust_anchor_arn

ANCHOR = "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/11111111-2222-4333-8444-5555"
PROFILE = ANCHOR.replace("trust-anchor", "profile")
ROLE = "arn:aws:iam::123456789012:role/billing"

NOT_AN_ARN = "not an ARN: expected arn:partition:service:region:account:resource"


@pytest.mark.parametrize(
    "text",
    [
        ANCHOR,
        ROLE,
        "arn:aws-cn:iam::123456789012:role/billing",
        "arn:aws-us-gov:iam::123456789012:role/billing",
        "arn:aws-iso-b:iam::123456789012:role/billing",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:s3:::bucket/key:with:colons",
        "arn:aws:iam::123456789012:role/" + "x" * 980,
    ],
)
def test_an_arn_is_given_back_unchanged(text: str) -> None:
    assert str(Arn.parse(text)) == text


def test_an_arn_is_taken_apart() -> None:
    arn = Arn.parse(ANCHOR)
    assert (arn.partition, arn.service, arn.region) == ("aws", "rolesanywhere", "eu-west-1")
    assert (arn.account, arn.resource_name) == ("123456789012", "11111111-2222-4333-8444-5555")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("billing", id="a name"),
        pytest.param("arn:aws:iam:123456789012:role/billing", id="a part is missing"),
        pytest.param("arn:azure:iam::123456789012:role/billing", id="another cloud"),
        pytest.param("ARN:aws:iam::123456789012:role/billing", id="capitals"),
        pytest.param("arn:aws:iam::12345678901:role/billing", id="eleven digits"),
        pytest.param("arn:aws:iam::1234567890123:role/billing", id="thirteen digits"),
        pytest.param("arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:role/billing", id="digits of another script"),
        pytest.param("arn:aws:iam::123456789012:", id="no resource"),
        pytest.param("arn:aws:iam::123456789012:role/a b", id="a blank"),
        pytest.param(" " + ROLE, id="a blank before"),
        pytest.param(ROLE + "\n", id="a newline after"),
        pytest.param("arn:aws:iam::123456789012:role/é", id="not ASCII"),
        pytest.param("arn:aws:iam::123456789012:role/" + "x" * 981, id="too long"),
    ],
)
def test_what_is_no_arn_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{NOT_AN_ARN}$"):
        Arn.parse(text)


@pytest.mark.parametrize(
    ("read", "text", "name"),
    [
        (trust_anchor_arn, ANCHOR, "11111111-2222-4333-8444-5555"),
        (profile_arn, PROFILE, "11111111-2222-4333-8444-5555"),
        (role_arn, ROLE, "billing"),
        (role_arn, "arn:aws:iam::123456789012:role/path/to/billing", "billing"),
    ],
)
def test_each_kind_reads_its_own(read: Callable[[str], Arn], text: str, name: str) -> None:
    assert read(text).resource_name == name


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (trust_anchor_arn, PROFILE, "not the ARN of a trust-anchor"),
        (profile_arn, ANCHOR, "not the ARN of a profile"),
        (role_arn, PROFILE, "not the ARN of a role"),
        (role_arn, "arn:aws:iam::123456789012:user/billing", "not the ARN of a role"),
        (role_arn, "arn:aws:iam::123456789012:role/", "not the ARN of a role"),
        (role_arn, "arn:aws:iam::123456789012:role/path/", "not the ARN of a role"),
        (trust_anchor_arn, ANCHOR.replace("eu-west-1", ""), "this ARN must name a region"),
        (role_arn, "arn:aws:iam:::role/billing", "this ARN must name an account of 12 digits"),
        (role_arn, "arn:aws:iam::aws:role/billing", "this ARN must name an account of 12 digits"),
        (role_arn, "billing", NOT_AN_ARN),
    ],
)
def test_each_kind_refuses_the_others(read: Callable[[str], Arn], text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        read(text)
