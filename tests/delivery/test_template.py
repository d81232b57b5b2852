"""Templates: literal text stays, places are filled, and filters survive any value."""

import base64
import json
import shlex
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.aws.secret import SecretQuery
from sidecar.delivery.reference import Reference
from sidecar.delivery.template import FILTERS, Place, Template
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

A, B = Reference.parse("secret://a"), Reference.parse("secret://b#k?stage=S")
VALUES = {A: Secret("one"), B: Secret("t\"w$o'")}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("plain $ {} $} text $HOME\n", "plain $ {} $} text $HOME\n"),
        ("${secret://a}", "one"),
        ("<${secret://a}|${secret://a}>", "<one|one>"),
        ("${secret://b#k?stage=S}", "t\"w$o'"),
        ("${secret://b?stage=S#k}", "t\"w$o'"),
        ("$${secret://a}", "${secret://a}"),
        ("$${HOME}", "${HOME}"),
        ("$$${secret://a}", "$one"),
        ("$$$${secret://a}", "$${secret://a}"),
        ("$$$$${secret://a}", "$$one"),
        ("$$ $$x $", "$$ $$x $"),
        ("${secret://a}}", "one}"),
        ("{${secret://a}}", "{one}"),
        ("${secret://b#k?stage=S|json}", '"t\\"w$o\'"'),
        ("${secret://b#k?stage=S|shell}", "'t\"w$o'\"'\"''"),
        ("${secret://b#k?stage=S|uri}", "t%22w%24o%27"),
        ("${secret://a|base64}", "b25l"),
    ],
)
def test_a_template_becomes(text: str, filled: str) -> None:
    assert Template.parse(text).filled(VALUES).reveal() == filled


def test_a_value_is_never_read_as_a_template() -> None:
    values = {A: Secret("${secret://b} $${"), B: Secret("no")}
    assert Template.parse("${secret://a}").filled(values).reveal() == "${secret://b} $${"


def test_every_value_is_asked_for_once() -> None:
    template = Template.parse("${secret://a} ${secret://b#k?stage=S} ${secret://a|json}")
    assert template.references == (A, B)


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("a\n${secret://a", "line 2: ${ is not closed", "write $${ for a plain ${"),
        ("${secret://a\n}", "line 1: ${ is not closed", "write $${ for a plain ${"),
        ("${", "line 1: ${ is not closed", "write $${ for a plain ${"),
        (
            "\n\nx ${HOME}",
            "line 3: reference 'HOME': must begin with secret:// or parameter://",
            "write $${ for a plain ${; such as",
        ),
        ("${}", "line 1: reference '': must begin with", "write $${"),
        ("${ secret://a}", "line 1: reference ' secret://a': must begin with", "write $${"),
        ("${secret://a?stage=}", "option 'stage' is empty", "write $${"),
        ("${secret://a|}", "line 1: there is no filter ''", "filters are json, shell, uri, base64"),
        ("${secret://a|JSON}", "line 1: there is no filter 'JSON'", "a | in a reference is"),
        ("${secret://a|json|shell}", "line 1: there is no filter 'json|shell'", "filters are"),
        ("${secret://a| json}", "line 1: there is no filter ' json'", "filters are"),
    ],
)
def test_a_wrong_template_is_refused_by_its_line(text: str, problem: str, hint: str) -> None:
    with pytest.raises(OperatorError) as caught:
        Template.parse(text)
    assert problem in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("json", "canary\udcff", "is not text: use the filter base64"),
        ("shell", "canary\0", "holds a NUL, which no shell can"),
    ],
)
def test_a_filter_refuses_what_it_cannot_write(name: str, value: str, problem: str) -> None:
    with pytest.raises(OperatorError) as caught:
        Template((Place(A, name),)).filled({A: Secret(value)})
    assert caught.value.message == f"the value of secret://a {problem}"
    assert "canary" not in repr(caught.value.__cause__)


def test_bytes_that_are_no_text_pass_through_unchanged() -> None:
    binary = bytes(range(256))
    value = Secret(binary.decode(errors="surrogateescape"))
    for text, expected in [
        ("${secret://a}", binary),
        ("<${secret://a}>", b"<" + binary + b">"),
        ("${secret://a|base64}", base64.b64encode(binary)),
    ]:
        assert Template.parse(text).filled({A: value}).encoded() == expected


def test_a_filled_template_shows_nothing() -> None:
    filled = Template.parse("<${secret://a}>").filled({A: Secret("canary")})
    assert filled.reveal() == "<canary>"
    assert "canary" not in f"{filled} {filled!r}"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def written(name: str, value: str) -> str:
    return FILTERS[name](Secret(value))


@given(TEXTS)
@example("\x85\u2028\u2029\ufeff\x7f\x00\"\\'")
def test_a_json_string_is_one_in_json_and_in_yaml(value: str) -> None:
    found = written("json", value)
    assert json.loads(found) == value
    document: Any = yaml.safe_load(f"key: {found}\nother: 1\n")
    assert document == {"key": value, "other": 1}


@given(TEXTS.filter(lambda text: "\0" not in text))
@example("$(id)`id`'\"\\\n;#!")
def test_a_shell_word_is_one_word(value: str) -> None:
    assert shlex.split(f"a={written('shell', value)} b") == [f"a={value}", "b"]


@given(TEXTS)
def test_a_uri_part_holds_no_delimiter(value: str) -> None:
    found = written("uri", value)
    assert unquote(found) == value
    assert not set(found) & set(":/?#[]@!$&'()*+,;= \n")


@given(st.lists(TEXTS | st.just(A) | st.just(B)))
def test_escaped_text_and_values_come_back_as_they_were(parts: list[str | Reference]) -> None:
    """Literal text is escaped by doubling the dollars before a brace or before a value."""
    text, expected = "", ""
    for part in parts:
        if isinstance(part, Reference):
            dollars = len(text) - len(text.rstrip("$"))
            text += "$" * dollars + f"${{{part}}}"
            expected += VALUES[part].reveal()
        else:
            text, expected = text + part.replace("{", ""), expected + part.replace("{", "")
    assert Template.parse(text).filled(VALUES).reveal() == expected


@given(st.text(st.sampled_from("${}|a\nsecret:/#?%")))
def test_any_text_is_a_template_or_refused_in_words(text: str) -> None:
    try:
        template = Template.parse(text)
    except OperatorError:
        return
    values = dict.fromkeys(template.references, Secret("v"))
    filled = template.filled(values).reveal()
    if not template.references:
        # No dollars but those before a brace are touched.
        assert filled.replace("$", "") == text.replace("$", "")


def test_the_whole_of_a_secret_is_a_template_of_one_place() -> None:
    assert Template((Place(Reference(SecretQuery("a"))),)).filled(VALUES) == Secret("one")
