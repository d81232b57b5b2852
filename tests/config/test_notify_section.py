"""`[notify.<name>]`: what its options accept for each type, and what must hold between them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded, read_config
from sidecar.config.notify_section import NOTIFY_TYPES
from sidecar.config.option import options_of
from sidecar.errors import Problem
from sidecar.notice import Kind, Severity

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alerts"
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/alerts"
LEAST: dict[str, dict[str, Any]] = {
    "eventbridge": {},
    "sns": {"topic_arn": TOPIC},
    "slack": {"url_file": "/x/url"},
    "webhook": {"url_file": "/x/url", "hmac_key_file": "/x/key"},
    "emf": {"destination": "stdout"},
    "file": {"destination": "./notices"},
}
NO_TOPIC = "is not the ARN of a topic: expected arn:aws:sns:REGION:ACCOUNT:NAME"
NO_PLACE = "must be stdout or the path of a file"
NO_NAMESPACE = "is not a namespace of a metric, or one of AWS's own"
A_TOPIC = "aws sns list-topics shows it"
A_PLACE = "such as /var/log/sidecar/notices.jsonl"
URLS = "url_file, url_env, url_secret"
KEYS = "hmac_key_file, hmac_key_env"

Found = Callable[..., list[tuple[str, str]]]


def _sink(kind: str, **options: Any) -> dict[str, Any]:
    return {"type": kind, **LEAST[kind], **options}


@pytest.fixture
def found(load: Callable[..., Loaded], sound: dict[str, Any]) -> Found:
    """Give a function that loads sinks and returns what contradicts."""

    def run(sinks: dict[str, Any], **sections: object) -> list[tuple[str, str]]:
        config = load(sound | {"notify": sinks} | sections).config
        return [(str(each), each.hint) for each in inconsistencies(config)]

    return run


@pytest.mark.parametrize(
    ("kind", "key", "value", "expected"),
    [
        ("file", "kinds", ["rotation-failed"], frozenset({Kind.ROTATION_FAILED})),
        (
            "sns",
            "kinds",
            "rotation-failed, key-deleted",
            frozenset({Kind.ROTATION_FAILED, Kind.KEY_DELETED}),
        ),
        ("file", "minimum_severity", "error", Severity.ERROR),
        ("file", "about", ["prod/*", "web"], ("prod/*", "web")),
        ("slack", "about", "prod/*, web", ("prod/*", "web")),
        ("eventbridge", "bus", "team/alerts", "team/alerts"),
        ("eventbridge", "bus", BUS, BUS),
        ("eventbridge", "region", "eu-west-1", "eu-west-1"),
        ("slack", "url_env", "SLACK_URL", "SLACK_URL"),
        ("emf", "destination", "stdout", "stdout"),
        ("emf", "destination", "/x/emf", Path("/x/emf")),
        ("emf", "namespace", "My App/Sidecar", "My App/Sidecar"),
        ("file", "max_megabytes", 1, 1),
        ("file", "keep", "100", 100),
    ],
)
def test_an_option_is_read_as(
    *,
    kind: str,
    key: str,
    value: object,
    expected: object,
    load: Callable[..., Loaded],
    sound: dict[str, Any],
) -> None:
    sound["notify"] = {"ops": _sink(kind, **{key: value})}
    assert getattr(load(sound).config.notify["ops"], key) == expected


@pytest.mark.parametrize(
    ("kind", "key", "value", "what", "hint"),
    [
        ("file", "kinds", "rotation", "has no kind 'rotation'; there are rotation-started, ", ""),
        ("file", "kinds", "test", "has no kind 'test'; there are ", ""),
        ("file", "kinds", [], "must be a list of texts", ""),
        ("file", "minimum_severity", "fatal", "must be one of info, warning, error", ""),
        ("file", "minimum_severity", 1, "must be one of info, warning, error", ""),
        ("file", "about", [], "must be a list of texts", ""),
        ("file", "about", ["prod/*", ""], "must not be empty", ""),
        ("eventbridge", "bus", "a b", "is not the name of an event bus", ""),
        ("eventbridge", "bus", TOPIC, "is not the ARN of an event bus", ""),
        ("eventbridge", "bus", BUS.replace("eu-west-1", ""), "this ARN must name a region", ""),
        ("eventbridge", "region", "mars", "is not a region's name", "such as eu-central-1"),
        ("sns", "topic_arn", BUS, NO_TOPIC, A_TOPIC),
        ("sns", "topic_arn", f"{TOPIC}:0000-1111", NO_TOPIC, A_TOPIC),
        ("sns", "topic_arn", "alerts", "not an ARN", A_TOPIC),
        ("sns", "topic_arn", f"{TOPIC}.fifo", "is a FIFO topic", A_TOPIC),
        ("sns", "via", "", "must not be empty", ""),
        ("emf", "destination", "off", NO_PLACE, A_PLACE),
        ("emf", "destination", "/var/log/", NO_PLACE, A_PLACE),
        ("emf", "namespace", "AWS/Lambda", NO_NAMESPACE, ""),
        ("emf", "namespace", "a\n", NO_NAMESPACE, ""),
        ("file", "max_megabytes", 0, "must be between 1 and 10240", ""),
        ("file", "keep", 101, "must be between 1 and 100", ""),
    ],
)
def test_an_option_refuses(
    *,
    kind: str,
    key: str,
    value: object,
    what: str,
    hint: str,
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
) -> None:
    [problem] = problems(sound | {"notify": {"ops": _sink(kind, **{key: value})}})
    assert (problem.where, problem.hint) == (f"notify.ops.{key}", hint)
    assert problem.what.startswith(what)


@pytest.mark.parametrize("key", ["url_env", "hmac_key_env"])
def test_an_address_or_a_key_in_place_of_its_variable_s_name_is_told_to_nobody(
    key: str, problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    sound["notify"] = {"ops": _sink("webhook", **{key: "https://hooks.example/canary"})}
    [problem] = problems(sound)
    assert problem.what == "must be a variable's name: capitals, digits and _"


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("url_file", "https://hooks.example/canary", "must be the path of a file"),
        ("url_secret", "https://hooks.example/canary", "must be the name or the ARN of a secret"),
        ("hmac_key_file", "canary" * 6, "must be the path of a file"),
    ],
)
def test_an_address_or_a_key_in_place_of_where_it_is_kept_is_told_to_nobody(
    *,
    key: str,
    value: str,
    what: str,
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
) -> None:
    sound["notify"] = {"ops": _sink("webhook", **{key: value})}
    assert [each.what for each in problems(sound)] == [what]


@pytest.mark.parametrize(
    ("kind", "key"),
    [(kind, key) for kind, section in NOTIFY_TYPES.schemas.items() for key in options_of(section)],
)
def test_the_example_of_every_option_is_accepted(
    kind: str, key: str, load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    option, _ = options_of(NOTIFY_TYPES.schemas[kind])[key]
    sound["notify"] = {"ops": _sink(kind, **{key: option.example})}
    assert getattr(load(sound).config.notify["ops"], key) is not None


@pytest.mark.parametrize(
    ("sink", "problem"),
    [
        ({}, "notify.ops.type: must be one of eventbridge, sns, slack, webhook, emf, file"),
        (
            {"type": "mail"},
            f"notify.ops.type: must be one of {', '.join(LEAST)} (got 'mail')",
        ),
        (_sink("file", bus="x"), "notify.ops.bus: belongs to type eventbridge only"),
        ({"type": "sns"}, "notify.ops.topic_arn: is missing"),
        ({"type": "emf"}, "notify.ops.destination: is missing"),
        ("x", "notify.ops: must be a table"),
    ],
)
def test_a_sink_of_no_type_or_with_another_s_options_is_refused(
    sink: object, problem: str, problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    assert [str(each) for each in problems(sound | {"notify": {"ops": sink}})] == [problem]


def test_without_the_section_nobody_is_told(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    assert load(sound).config.notify == {}


def test_one_of_each_is_sound(found: Found) -> None:
    assert found({kind: _sink(kind) for kind in LEAST}) == []


@pytest.mark.parametrize(
    ("sink", "problem", "hint"),
    [
        (_sink("sns", via="x"), ".via: there is no role 'x'", "configured are default"),
        (_sink("eventbridge", via="x"), ".via: there is no role 'x'", "configured are default"),
        (_sink("slack", via="default"), ".via: needs url_secret", "remove it"),
        (
            {"type": "slack", "url_secret": "a", "via": "x"},
            ".via: there is no role 'x'",
            "configured are default",
        ),
        ({"type": "slack"}, f": has none of {URLS}", f"set exactly one of {URLS}"),
        (
            _sink("slack", url_secret="a"),
            ": has url_file and url_secret",
            f"set exactly one of {URLS}",
        ),
        (
            {"type": "webhook", "url_file": "./u"},
            f": has none of {KEYS}",
            f"set exactly one of {KEYS}",
        ),
        (
            _sink("webhook", hmac_key_env="K"),
            ": has hmac_key_file and hmac_key_env",
            f"set exactly one of {KEYS}",
        ),
        (
            _sink("eventbridge", bus=BUS, region="eu-west-1"),
            ".region: cannot go with a bus that is an ARN",
            "remove it",
        ),
    ],
)
def test_options_that_contradict_each_other(
    sink: dict[str, Any], problem: str, hint: str, found: Found
) -> None:
    assert found({"ops": sink}) == [(f"notify.ops{problem}", hint)]


def test_no_file_is_written_by_two(found: Found) -> None:
    sinks = {"a": _sink("file", destination="/x/a"), "b": _sink("emf", destination="/x/y/../a")}
    assert found(sinks) == [("notify.b.destination: /x/a is written by notify.a", "use another")]
    assert found(sinks | {"b": _sink("emf")}, audit={"destination": "/x/a"}) == [
        ("notify.a.destination: /x/a is written by audit", "use another")
    ]


def test_of_a_sink_with_a_wrong_value_nothing_more_is_said(
    file: Path, toml: Callable[[object], str], sound: dict[str, Any]
) -> None:
    sound["notify"] = {"a": _sink("sns", topic_arn="x", via="y"), "b": {"type": "slack"}}
    file.write_text(toml(sound))
    loaded = read_config(file, {})
    assert loaded.faulty == {"notify.a"}
    found = inconsistencies(loaded.config, loaded.faulty)
    assert [each.where for each in found] == ["notify.b"]
