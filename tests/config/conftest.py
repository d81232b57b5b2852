"""A sound configuration as a table, written as TOML and loaded again."""

import copy
import datetime as dt
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.load import Loaded, load_config
from sidecar.errors import ConfigError, Problem

SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
SOUND: dict[str, Any] = {
    "identity": {"certificate": "workload.pem", "private_key": "workload.key"},
    "roles": {
        "default": {
            "trust_anchor_arn": f"{SCOPE}:trust-anchor/anchor-1",
            "profile_arn": f"{SCOPE}:profile/profile-1",
            "role_arn": "arn:aws:iam::123456789012:role/web",
        }
    },
    "apps": {"web": {"roles": ["default"], "token_env": "WEB_TOKEN"}},
}


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            pairs = (f"{_toml(key)} = {_toml(each)}" for key, each in value.items())
            return f"{{{', '.join(pairs)}}}"
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return repr(value)


@pytest.fixture(scope="session")
def toml() -> Callable[[Mapping[str, object]], str]:
    """Give a function that writes a table as TOML."""
    return lambda table: "".join(f"{_toml(key)} = {_toml(each)}\n" for key, each in table.items())


@pytest.fixture
def sound() -> dict[str, Any]:
    """Give a configuration that is accepted, to be changed at will."""
    return copy.deepcopy(SOUND)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sidecar.toml"


@pytest.fixture
def load(toml: Callable[[object], str], file: Path) -> Callable[..., Loaded]:
    """Give a function that loads a table (or TOML text) with variables laid over it."""

    def run(content: dict[str, Any] | str, environment: Mapping[str, str] | None = None) -> Loaded:
        text = content if isinstance(content, str) else toml(content)
        file.write_text(text, encoding="utf-8")
        return load_config(file, environment or {})

    return run


@pytest.fixture
def problems(load: Callable[..., Loaded]) -> Callable[..., list[Problem]]:
    """Give a function that loads what must be refused and returns every reason."""

    def run(*arguments: Any) -> list[Problem]:
        with pytest.raises(ConfigError) as caught:
            load(*arguments)
        return list(caught.value.problems)

    return run
