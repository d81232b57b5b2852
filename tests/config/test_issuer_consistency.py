"""Issuers and the apps that prove themselves by their tokens: what fits together, what does not."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded, read_config

CORP = {"issuer": "https://corp.example", "audience": "sidecar", "jwks_file": "corp.jwks"}
AT_URL = {key: CORP[key] for key in ("issuer", "audience")} | {"jwks_url": "https://corp.example/k"}
WEB = {"issuer": "corp", "subject": "web"}
BATCH = {"issuer": "corp", "subject": "batch"}
WAYS_HINT = "set exactly one of token_file, static_token_file, token_env, issuer"
SAME = "apps.b.subject: is that of apps.a too, and no claim tells the two apart"
SAME_HINT = "give each its own subject, or require another value of one claim"

Found = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def found(load: Callable[..., Loaded], sound: dict[str, Any]) -> Found:
    """Give a function that loads apps and issuers and returns what contradicts."""

    def run(apps: dict[str, Any], issuers: dict[str, Any] | None = None) -> list[tuple[str, str]]:
        config = load(sound | {"apps": apps, "issuers": issuers or {"corp": CORP}}).config
        return [(str(each), each.hint) for each in inconsistencies(config)]

    return run


@pytest.mark.parametrize(
    ("apps", "issuers"),
    [
        pytest.param({"web": WEB}, {"corp": CORP}, id="keys in a file"),
        pytest.param({"web": WEB}, {"corp": AT_URL}, id="keys at an address"),
        pytest.param(
            {"web": WEB},
            {"corp": AT_URL | {"ca_bundle": "ca.crt", "bearer_token_file": "t"}},
            id="a private address",
        ),
        pytest.param({"web": {"token_env": "T"}}, {"corp": CORP}, id="an issuer for nobody"),
        pytest.param({"a": WEB, "b": BATCH}, {"corp": CORP}, id="two subjects"),
        pytest.param(
            {"a": WEB, "b": WEB | {"issuer": "other"}},
            {"corp": CORP, "other": CORP | {"issuer": "https://other.example"}},
            id="one subject, two issuers",
        ),
        pytest.param(
            {"a": WEB | {"claims": {"env": "prod"}}, "b": WEB | {"claims": {"env": "test"}}},
            {"corp": CORP},
            id="one subject, told apart by a claim",
        ),
    ],
)
def test_what_fits_together_has_no_problem(
    found: Found, apps: dict[str, Any], issuers: dict[str, Any]
) -> None:
    assert found(apps, issuers) == []


@pytest.mark.parametrize(
    ("app", "problem", "hint"),
    [
        pytest.param(
            WEB | {"token_env": "T"},
            "apps.web: has two tokens: token_env and issuer",
            WAYS_HINT,
            id="a token besides",
        ),
        pytest.param(
            WEB | {"issuer": "corq"},
            "apps.web.issuer: there is no issuer 'corq'",
            "configured are corp",
            id="an issuer that there is not",
        ),
        pytest.param(
            {"issuer": "corp"},
            "apps.web.subject: is missing: an issuer signs tokens for many",
            "such as system:serviceaccount:NAMESPACE:NAME",
            id="no subject",
        ),
        pytest.param(
            {"token_env": "T", "subject": "web"},
            "apps.web.subject: is for tokens of an issuer",
            "set issuer too",
            id="a subject alone",
        ),
        pytest.param(
            {"token_env": "T", "claims": {"a": "b"}},
            "apps.web.claims: is for tokens of an issuer",
            "set issuer too",
            id="claims alone",
        ),
    ],
)
def test_an_app_that_does_not_fit_is_refused(
    found: Found, app: dict[str, Any], problem: str, hint: str
) -> None:
    assert found({"web": app}) == [(problem, hint)]


def test_an_issuer_is_missed_where_there_is_none(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    [problem] = inconsistencies(load(sound | {"apps": {"web": WEB}}).config)
    assert (str(problem), problem.hint) == (
        "apps.web.issuer: there is no issuer 'corp'",
        "add [issuers.corp]",
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({}, {}, id="the same in all"),
        pytest.param({"env": "prod"}, {}, id="one asks for more"),
        pytest.param({"env": "prod"}, {"env": "prod", "b": "c"}, id="one asks for even more"),
        pytest.param({"env": "prod"}, {"team": "b"}, id="each for something else"),
    ],
)
def test_two_apps_that_one_token_would_prove_are_refused(
    found: Found, first: dict[str, str], second: dict[str, str]
) -> None:
    apps = {"a": WEB, "b": WEB}
    claims = {"a": first, "b": second}
    wanted = {
        name: app | ({"claims": claims[name]} if claims[name] else {}) for name, app in apps.items()
    }
    assert found(wanted) == [(SAME, SAME_HINT)]


@pytest.mark.parametrize(
    ("issuers", "problem", "hint"),
    [
        pytest.param(
            {"corp": {key: CORP[key] for key in ("issuer", "audience")}},
            "issuers.corp: does not say where its keys are",
            "set exactly one of jwks_file and jwks_url",
            id="no keys",
        ),
        pytest.param(
            {"corp": CORP | AT_URL},
            "issuers.corp: has its keys twice",
            "set exactly one of jwks_file and jwks_url",
            id="two places of keys",
        ),
        pytest.param(
            {"corp": CORP | {"bearer_token_file": "t"}},
            "issuers.corp.bearer_token_file: is for jwks_url, which is not set",
            "remove it",
            id="a token for a file",
        ),
        pytest.param(
            {"corp": CORP | {"ca_bundle": "ca.crt"}},
            "issuers.corp.ca_bundle: is for jwks_url, which is not set",
            "remove it",
            id="CAs for a file",
        ),
        pytest.param(
            {"corp": CORP, "also": CORP},
            "issuers.also.issuer: is that of issuers.corp too: a token does not tell which of them "
            "is meant",
            "make one of the two; audience takes a list, and apps may require claims",
            id="one issuer twice",
        ),
    ],
)
def test_an_issuer_that_does_not_fit_is_refused(
    found: Found, issuers: dict[str, Any], problem: str, hint: str
) -> None:
    assert found({"web": WEB}, issuers) == [(problem, hint)]


def test_issuers_may_be_missing_and_may_be_empty(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    assert load(sound).config.issuers == {}
    assert load(sound | {"issuers": {}}).config.issuers == {}


def test_nothing_is_said_of_an_issuer_that_could_not_be_read(
    file: Any, toml: Callable[[object], str], sound: dict[str, Any]
) -> None:
    sound |= {"apps": {"web": WEB}, "issuers": {"corp": {"issuer": 1, "audience": "a"}}}
    file.write_text(toml(sound))
    loaded = read_config(file, {})
    assert loaded.faulty == {"issuers.corp"}
    assert inconsistencies(loaded.config, loaded.faulty) == []


def test_a_variable_sets_an_issuer_and_what_an_app_must_say(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    sound |= {"apps": {"web": dict(WEB)}, "issuers": {"corp": dict(CORP)}}
    variables = {
        "SIDECAR_APPS_WEB_CLAIMS": "/kubernetes.io/namespace=prod,env=a=b",
        "SIDECAR_ISSUERS_CORP_AUDIENCE": "one,two",
    }
    config = load(sound, variables).config
    assert dict(config.apps["web"].claims) == {"/kubernetes.io/namespace": "prod", "env": "a=b"}
    assert config.issuers["corp"].audience == ("one", "two")
