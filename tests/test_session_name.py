"""Names of role sessions: what a template may hold, and that STS accepts every name made of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.session_name import CERTIFICATE_FIELDS, FIELDS, SessionName

# The rule of STS for RoleSessionName.
STS = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
VALUES = {
    "hostname": "vm-7.example",
    "role": "api",
    "certificate_cn": "Bücher & Co",
    "certificate_serial": "0a1b",
}


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("web-1", "web-1"),
        ("{hostname}", "vm-7.example"),
        ("{role}@{hostname}", "api@vm-7.example"),
        ("{role}{role}", "apiapi"),
        ("x={certificate_serial},y", "x=0a1b,y"),
        ("{certificate_cn}", "B-cher---Co"),
        ("a" * 64, "a" * 64),
        ("a" * 64 + "{role}", "a" * 64),
        ("{certificate_cn}" + "a" * 64, "B-cher---Co" + "a" * 53),
    ],
)
def test_fields_are_put_in_and_the_result_is_made_to_fit(template: str, name: str) -> None:
    assert SessionName.parse(template).render(VALUES) == name


@pytest.mark.parametrize(("value", "name"), [("", "--"), ("a", "a-"), ("ä", "--"), ("\n", "--")])
def test_a_short_result_is_filled_up(value: str, name: str) -> None:
    assert SessionName.parse("{role}").render({"role": value}) == name


CHARACTERS = "may hold letters, digits, _+=,.@- and {fields} only"
LENGTH = "must be 2 to 64 characters"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("", LENGTH),
        ("a", LENGTH),
        ("a" * 65, LENGTH),
        ("{role}" + "a" * 65, LENGTH),
        ("a b", CHARACTERS),
        ("ä{role}", CHARACTERS),
        ("{role", CHARACTERS),
        ("role}", CHARACTERS),
        ("{}", CHARACTERS),
        ("{0}", CHARACTERS),
        ("{role!r}", CHARACTERS),
        ("{role:>9}", CHARACTERS),
        ("{role.__class__}", CHARACTERS),
        ("{{role}}", CHARACTERS),
        ("{role}\n", CHARACTERS),
        ("{Role}", CHARACTERS),
    ],
)
def test_a_template_that_cannot_become_a_name_is_refused(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        SessionName.parse(template)


def test_a_field_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"^has no field \{pid\}: there are \{hostname\}, \{role\},"
    ):
        SessionName.parse("{role}-{pid}")


def test_a_template_knows_its_fields_and_gives_itself_back() -> None:
    template = SessionName.parse("{role}@{certificate_cn}")
    assert template.fields == {"role", "certificate_cn"}
    assert str(template) == "{role}@{certificate_cn}"
    assert set(FIELDS) > CERTIFICATE_FIELDS


@given(
    st.lists(
        st.sampled_from([f"{{{each}}}" for each in FIELDS]) | st.text("aZ0_+=,.@-", max_size=9)
    ).map("".join),
    st.fixed_dictionaries({each: st.text() for each in FIELDS}),
)
def test_whatever_the_fields_hold_sts_accepts_the_name(
    template: str, values: dict[str, str]
) -> None:
    try:
        parsed = SessionName.parse(template)
    except ValueError:
        return
    assert STS.fullmatch(parsed.render(values))
