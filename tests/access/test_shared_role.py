"""What a caller may have of whom only the role is known."""

import pytest

from sidecar.access.decision import Action
from sidecar.access.policy import App
from sidecar.access.shared_role import RoleHolders

WEB = App("web", ("default", "shared"), ("web/*", "common"), ("/web/*", "/common"))
BATCH = App("batch", ("shared",), ("batch/*", "web/b*", "common"), ("/web/b*", "/common", "/batch"))
NONE = App("none", ("none",), ())
APPS = (WEB, BATCH, NONE)


@pytest.mark.parametrize(
    ("role", "names", "told"),
    [
        ("default", ["web"], "web"),
        ("shared", ["web", "batch"], "web, batch"),
        ("unheard-of", [], "no app"),
    ],
)
def test_the_holders_of_a_role_are_the_apps_that_may_have_it(
    role: str, names: list[str], told: str
) -> None:
    holders = RoleHolders.of(role, APPS)
    assert [app.name for app in holders.apps] == names
    assert str(holders) == told


@pytest.mark.parametrize(
    ("role", "name", "allowed"),
    [
        ("default", "web/a", True),
        ("default", "batch/a", False),
        ("shared", "web/a", False),
        ("shared", "web/b", True),
        ("shared", "batch/a", False),
        ("shared", "common", True),
        ("none", "common", False),
        ("unheard-of", "common", False),
    ],
)
def test_a_secret_is_allowed_if_every_holder_may_read_it(
    role: str, name: str, allowed: bool
) -> None:
    holders = RoleHolders.of(role, APPS)
    assert holders.may_name_secret(name) == allowed
    assert holders.decide(Action.READ_SECRET, name).allowed == allowed


@pytest.mark.parametrize(
    ("role", "name", "allowed"),
    [
        ("default", "/web/a", True),
        ("default", "/batch", False),
        ("shared", "/web/a", False),
        ("shared", "/web/b", True),
        ("shared", "/common", True),
        ("none", "/common", False),
        ("unheard-of", "/common", False),
    ],
)
def test_a_parameter_is_allowed_if_every_holder_may_read_it(
    role: str, name: str, allowed: bool
) -> None:
    holders = RoleHolders.of(role, APPS)
    assert holders.may_name_parameter(name) == allowed
    assert holders.decide(Action.READ_PARAMETER, name).allowed == allowed


@pytest.mark.parametrize(
    ("patterns", "path", "allowed"),
    [
        (("/web/*",), "/web", True),
        (("/web/*",), "/web/", True),
        (("/web/*",), "/web/deep/er", True),
        (("/web*",), "/web", True),
        (("web/*",), "/web", True),
        (("*",), "/", True),
        (("/*",), "/", True),
        (("/web/*",), "/", False),
        (("/web/*",), "/webs", False),
        (("/web/a", "/web/b"), "/web", False),
        (("/web/*/x",), "/web", False),
        (("/web/",), "/web", False),
        (("/web/*/",), "/web/deep", False),
        (("/web/*", "/batch/*"), "/", False),
        ((), "/web", False),
    ],
)
def test_a_path_is_allowed_if_everything_below_it_is(
    patterns: tuple[str, ...], path: str, allowed: bool
) -> None:
    app = App("web", ("default",), (), patterns)
    holders = RoleHolders.of("default", [app])
    assert holders.decide(Action.READ_PATH, path).allowed == allowed


def test_a_path_is_allowed_if_every_holder_may_read_it() -> None:
    narrow = App("batch", ("default",), (), ("/web/b/*",))
    wide = App("web", ("default",), (), ("/web/*",))
    assert RoleHolders((wide, narrow)).decide(Action.READ_PATH, "/web/b").allowed
    assert not RoleHolders((wide, narrow)).decide(Action.READ_PATH, "/web").allowed
    assert not RoleHolders(()).decide(Action.READ_PATH, "/web").allowed


@pytest.mark.parametrize(
    ("role", "owner", "names"),
    [
        ("shared", "batch", ["batch"]),
        ("shared", "web", ["web"]),
        ("default", "batch", []),
        ("shared", "unheard-of", []),
    ],
)
def test_a_session_that_was_made_for_an_app_is_held_by_it_alone_while_it_may_have_the_role(
    role: str, owner: str, names: list[str]
) -> None:
    assert [app.name for app in RoleHolders.of(role, APPS, owner).apps] == names


@pytest.mark.parametrize(
    ("role", "apps", "names"),
    [
        ("shared", (BATCH, NONE), ["batch", "web"]),
        ("shared", APPS, ["web", "batch"]),
        ("shared", (NONE,), []),
    ],
)
def test_who_once_shared_a_session_may_be_the_caller_too_but_is_none_alone(
    role: str, apps: tuple[App, ...], names: list[str]
) -> None:
    assert [app.name for app in RoleHolders.of(role, apps, former=(WEB,)).apps] == names
