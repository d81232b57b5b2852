"""Whose sessions a new identity renews: those that it signs for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sidecar.app_sessions import AppSessions
from sidecar.config.load import load_config
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.service import _renew_with

APP = '[apps.web]\nroles = ["one"]\ntoken_env = "TOKEN"\n'
ROLE = "arn:aws:iam::123456789012:role"
SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"


def test_a_new_identity_renews_what_it_signs_for_and_nothing_else(tmp_path: Path) -> None:
    signed = f'trust_anchor_arn = "{SCOPE}:trust-anchor/a"\nprofile_arn = "{SCOPE}:profile/p"'
    sources = {
        "one": signed,
        "two": signed,
        "chained": 'source = "assume-role"\nvia = "one"',
        "web": 'source = "web-identity"\ntoken_file = "/token"',
    }
    tables = [
        f'[roles.{name}]\n{text}\nrole_arn = "{ROLE}/{name}"\n' for name, text in sources.items()
    ]
    file = tmp_path / "sidecar.toml"
    file.write_text('[identity]\ncertificate = "web.pem"\n' + "\n".join(tables) + APP)
    config = load_config(file, {}).config

    @dataclass
    class Counted:
        listeners: list[Callable[[Identity], None]]
        renewed: list[str]

        def on_change(self, listener: Callable[[Identity], None]) -> None:
            self.listeners.append(listener)

    held = Counted([], [])

    class Role:
        def __init__(self, name: str) -> None:
            self.name = name

        def renew_soon(self) -> None:
            held.renewed.append(self.name)

    class Sessions:
        def of_roles(self, names: Iterable[str]) -> list[Role]:
            return [Role(name) for name in names]

    _renew_with(cast("HeldIdentity", held), config, cast("AppSessions", Sessions()))
    for listener in held.listeners:
        listener(cast("Identity", None))
    assert held.renewed == ["one", "two"]
