"""References: what they mean, how they are written, and in which words a wrong one is refused."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.secret import SecretQuery
from sidecar.delivery.reference import Reference, is_reference
from sidecar.errors import OperatorError

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf"
PARAMETER_ARN = "arn:aws:ssm:eu-central-1:123456789012:parameter/prod/db"


def parameter(name: str, version: int | None = None, label: str | None = None) -> ParameterQuery:
    return ParameterQuery(name, version, label, with_decryption=True)


@pytest.mark.parametrize(
    ("text", "query", "json_key"),
    [
        ("secret://db", SecretQuery("db"), None),
        ("secret://prod/db#password", SecretQuery("prod/db"), "password"),
        ("secret://db#a.b.0", SecretQuery("db"), "a.b.0"),
        ("secret://db?stage=AWSPREVIOUS", SecretQuery("db", None, "AWSPREVIOUS"), None),
        ("secret://db#k?stage=S&version=v-1", SecretQuery("db", "v-1", "S"), "k"),
        ("secret://db?stage=S&version=v-1#k", SecretQuery("db", "v-1", "S"), "k"),
        (f"secret://{ARN}#user", SecretQuery(ARN), "user"),
        ("secret://a+b", SecretQuery("a+b"), None),
        ("secret://a b", SecretQuery("a b"), None),
        ("secret://a%20b%25c%23d%3Fe", SecretQuery("a b%c#d?e"), None),
        ("secret://a%2fb", SecretQuery("a/b"), None),
        ("secret://a&b=c", SecretQuery("a&b=c"), None),
        ("secret://a#%7Bx%7D%7C", SecretQuery("a"), "{x}|"),
        ("secret://a?stage=x%26y=z", SecretQuery("a", None, "x&y=z"), None),
        ("secret://%C3%A9", SecretQuery("é"), None),
        ("secret://é", SecretQuery("é"), None),
        ("secret:///lead", SecretQuery("/lead"), None),
        ("parameter://db", parameter("db"), None),
        ("parameter:///prod/db#k", parameter("/prod/db"), "k"),
        ("parameter:///a?version=3", parameter("/a", 3), None),
        ("parameter:///a?label=prod", parameter("/a", None, "prod"), None),
        ("parameter:///a?decrypt=false", ParameterQuery("/a"), None),
        ("parameter:///a?decrypt=true", parameter("/a"), None),
        (f"parameter://{PARAMETER_ARN}", parameter(PARAMETER_ARN), None),
    ],
)
def test_a_reference_means(
    text: str, query: SecretQuery | ParameterQuery, json_key: str | None
) -> None:
    assert Reference.parse(text) == Reference(query, json_key)
    assert is_reference(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must begin with secret:// or parameter://"),
        ("db", "must begin with secret:// or parameter://"),
        ("Secret://db", "must begin with secret:// or parameter://"),
        (" secret://db", "must begin with secret:// or parameter://"),
        ("secret:db", "must begin with secret:// or parameter://"),
        ("secret://", "the name is empty"),
        ("secret://#k", "the name is empty"),
        ("secret://?stage=S", "the name is empty"),
        ("secret://a#", "the JSON key is empty"),
        ("secret://a#?stage=S", "the JSON key is empty"),
        ("secret://a#b#c", "has more than one JSON key: a # in a part is written %23"),
        (
            "secret://a?stage=b?c",
            "has more than one list of options: a ? in a part is written %3F",
        ),
        ("secret://a?", "an option has no name"),
        ("secret://a?stage=S&", "an option has no name"),
        ("secret://a?stage=", "option 'stage' is empty"),
        ("secret://a?stage", "option 'stage' is empty"),
        ("secret://a?stage=S&stage=T", "option 'stage' stands twice"),
        ("secret://a?Stage=S", "option 'Stage' is unknown: known are stage, version"),
        ("secret://a?label=S", "option 'label' is unknown: known are stage, version"),
        ("parameter://a?stage=S", "option 'stage' is unknown: known are version, label, decrypt"),
        ("secret://100%", "the name holds a % without two hexadecimal digits: write %25"),
        ("secret://a#%zz", "the JSON key holds a % without two hexadecimal digits: write %25"),
        (
            "secret://a?stage=%4",
            "option 'stage' holds a % without two hexadecimal digits: write %25",
        ),
        ("secret://%ff", "the name is not UTF-8"),
        ("secret://\udcff", "the name is not UTF-8"),
        ("secret://a%00b", "the name holds a control character"),
        ("secret://a%0Ab", "the name holds a control character"),
        (f"secret://{PARAMETER_ARN}", "the name is an ARN of another service than secretsmanager"),
        (f"parameter://{ARN}", "the name is an ARN of another service than ssm"),
        (
            "parameter://prod/db",
            "the name is a path without its first slash: write parameter:///prod/db",
        ),
        ("parameter:///a?version=0", "option version must be a whole number from 1 (got '0')"),
        ("parameter:///a?version=x", "option version must be a whole number from 1 (got 'x')"),
        ("parameter:///a?version=²", "option version must be a whole number from 1 (got '\\xb2')"),
        ("parameter:///a?version=1&label=l", "option version cannot go with option label"),
        ("parameter:///a?decrypt=yes", "option decrypt must be true or false (got 'yes')"),
    ],
)
def test_a_wrong_reference_is_refused_by_the_part_that_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(OperatorError) as caught:
        Reference.parse(text)
    assert caught.value.message == f"reference {text!a}: {problem}"
    assert "secret://prod/db#password" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("secret:/prod/x#k", "did you mean 'secret://prod/x#k'?"),
        ("parameter:/x", "did you mean 'parameter:///x'?"),
        ("secret:/", "such as secret://prod/db"),
        ("parameter:/", "such as secret://prod/db"),
    ],
)
def test_one_slash_is_a_mistake_with_a_right_form(text: str, right: str) -> None:
    assert is_reference(text)
    with pytest.raises(OperatorError, match="must begin with secret:// or parameter://") as caught:
        Reference.parse(text)
    assert caught.value.hint.startswith(right)


@pytest.mark.parametrize("text", ["", "secret", "secret:", "secret:x", "parameter:x", "a secret:/"])
def test_what_only_looks_alike_is_no_reference(text: str) -> None:
    assert not is_reference(text)


def test_a_refusal_is_one_short_line() -> None:
    with pytest.raises(OperatorError) as caught:
        Reference.parse("secret://" + "\n" * 5000)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
NAMES = ANY.filter(lambda name: name.isprintable() and not name.startswith("arn:"))
SECRETS = st.builds(SecretQuery, NAMES, st.none() | ANY, st.none() | ANY)
PARAMETERS = st.builds(
    ParameterQuery,
    NAMES.filter(lambda name: "/" not in name or name.startswith("/")),
    st.none() | st.integers(1, 10**18),
    st.none(),
    st.booleans(),
)


@given(st.builds(Reference, SECRETS | PARAMETERS, st.none() | ANY))
@example(Reference(SecretQuery("a+b/c d%41#?&=|}"), "}|#?&=%+ "))
@example(Reference(SecretQuery("100%25"), "%2525"))
@example(Reference(ParameterQuery("/a", None, "#label?", with_decryption=True)))
def test_every_reference_can_be_written_and_read_again(reference: Reference) -> None:
    text = str(reference)
    assert Reference.parse(text) == reference
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set(" }|{\"'")


@given(st.text())
def test_any_text_is_a_reference_or_refused_in_words(text: str) -> None:
    for scheme in ("", "secret://", "parameter://"):
        try:
            found = Reference.parse(scheme + text)
        except OperatorError:
            continue
        assert Reference.parse(str(found)) == found
