"""The flags that say what is to exist in AWS, which every command of ``provision`` has."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sidecar.cli.certs_files import read_file
from sidecar.errors import OperatorError, UsageError
from sidecar.provision.wish import (
    Chat,
    Events,
    OwnAuthority,
    PrivateAuthority,
    Reach,
    Rotation,
    Sessions,
    Wish,
)

_DEFAULTS: Final = Rotation(user_name="", secret_name="")
# They mean nothing without a rotation.
_OF_ROTATION: Final = ("schedule", "window", "user_policy")


def add_wish_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--name",
        default="sidecar",
        help="what the names of everything begin with (default: %(default)s)",
    )
    _add_authority(parser)
    _add_sessions(parser)
    _add_reach(parser)
    _add_rotation(parser)
    _add_events(parser)


def wish_of(arguments: argparse.Namespace, any_authority: OwnAuthority | None = None) -> Wish:
    """Make the wish of the flags, unchecked but for what contradicts itself.

    Args:
        arguments: the flags.
        any_authority: what stands for an authority where none is named; None if one must be.

    Raises:
        UsageError: flags that do not go together.
        OperatorError: a file that cannot be read.

    """
    crl: Path | None = arguments.crl
    return Wish(
        name=arguments.name,
        authority=_authority(arguments, any_authority),
        revocation_list=None if crl is None else _read("--crl", crl),
        sessions=_sessions(arguments),
        reach=Reach(
            secrets=tuple(arguments.secret),
            list_buckets=arguments.list_buckets,
            buckets=tuple(arguments.bucket),
            kms_keys=tuple(arguments.kms_key),
            functions=tuple(arguments.function),
        ),
        rotation=_rotation(arguments),
        events=_events(arguments),
    )


def _add_authority(parser: argparse.ArgumentParser) -> None:
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--ca-bundle", type=Path, metavar="FILE", help="your authority's certificate in PEM"
    )
    either.add_argument(
        "--private-ca",
        action="store_true",
        help="make a root of AWS Private CA, which costs monthly",
    )
    parser.add_argument(
        "--general-purpose",
        action="store_true",
        help="let the private CA issue for longer than seven days, which costs more",
    )
    parser.add_argument(
        "--crl",
        type=Path,
        metavar="FILE",
        help="list of revoked certificates in PEM, as `sidecar certs crl` makes it",
    )


def _add_sessions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--duration-seconds",
        type=int,
        default=Sessions().duration_seconds,
        metavar="SECONDS",
        help="how long a session lasts, 900 to 43200 (default: %(default)s)",
    )
    parser.add_argument(
        "--session-policy",
        type=Path,
        metavar="FILE",
        help="JSON of the profile's session policy (default: what the role may do now)",
    )
    _several(parser, "--allow-common-name", "CN", "let in certificates with this name only")
    _several(
        parser,
        "--allow-source-identity",
        "ID",
        "let in sessions with this source identity only, such as CN=web-*",
    )


def _add_reach(parser: argparse.ArgumentParser) -> None:
    _several(parser, "--secret", "PATTERN", "secrets that sessions read, such as prod/web/*")
    parser.add_argument(
        "--list-buckets", action="store_true", help="let sessions list the account's buckets"
    )
    _several(parser, "--bucket", "NAME", "bucket whose objects sessions read")
    _several(parser, "--kms-key", "ARN", "key that sessions decrypt with")
    _several(parser, "--function", "NAME", "Lambda function that sessions invoke")


def _add_rotation(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument
    where("--rotate-user", metavar="NAME", help="IAM user to make, whose access key is rotated")
    where("--rotate-secret", metavar="NAME", help="secret to make, which holds that user's key")
    where(
        "--schedule",
        metavar="EXPRESSION",
        help=f"when it is rotated, in UTC (default: {_DEFAULTS.schedule})",
    )
    where("--window", metavar="DURATION", help="how long a window of it is open, such as 3h")
    for name, value in (("grace", _DEFAULTS.grace_hours), ("recovery", _DEFAULTS.recovery_hours)):
        where(
            f"--{name}-hours",
            type=int,
            default=value,
            metavar="HOURS",
            help=f"{_KEPT[name]} (default: %(default)s)",
        )
    where(
        "--user-policy",
        type=Path,
        metavar="FILE",
        help="IAM policy of what that user may do, as JSON",
    )


_KEPT: Final = {
    "grace": "how long the previous key stays active",
    "recovery": "how long it is then kept, deactivated",
}


def _add_events(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument
    where("--events", action="store_true", help="tell what happens: rules, topic, queue, alarms")
    where(
        "--no-trail", action="store_true", help="make no trail: the account has one of CloudTrail"
    )
    where(
        "--no-queue",
        action="store_true",
        help="make no queue, from which sidecars learn of changes",
    )
    where("--no-alarms", action="store_true", help="make no alarms of the functions and the rules")
    where(
        "--slack-workspace", metavar="ID", help="Slack workspace that the account is connected with"
    )
    where("--slack-channel", metavar="ID", help="channel of that workspace that is told")


def _several(parser: argparse.ArgumentParser, flag: str, metavar: str, help_text: str) -> None:
    parser.add_argument(
        flag, action="append", default=[], metavar=metavar, help=f"{help_text}; may be repeated"
    )


def _authority(
    arguments: argparse.Namespace, any_authority: OwnAuthority | None
) -> OwnAuthority | PrivateAuthority:
    if arguments.private_ca:
        return PrivateAuthority(short_lived=not arguments.general_purpose)
    if arguments.general_purpose:
        raise UsageError("--general-purpose needs --private-ca", hint="leave one of them out")
    if arguments.ca_bundle is None and any_authority is not None:
        return any_authority
    if arguments.ca_bundle is None:
        raise UsageError("no authority is named", hint="give --ca-bundle or --private-ca")
    return OwnAuthority(bundle=_read("--ca-bundle", arguments.ca_bundle))


def _sessions(arguments: argparse.Namespace) -> Sessions:
    policy: Path | None = arguments.session_policy
    return Sessions(
        duration_seconds=arguments.duration_seconds,
        policy=None if policy is None else _read("--session-policy", policy),
        common_names=tuple(arguments.allow_common_name),
        source_identities=tuple(arguments.allow_source_identity),
    )


def _rotation(arguments: argparse.Namespace) -> Rotation | None:
    user, secret = arguments.rotate_user, arguments.rotate_secret
    if user is None and secret is None:
        _unused(
            [name for name in _OF_ROTATION if getattr(arguments, name) is not None], "--rotate-user"
        )
        return None
    if user is None or secret is None:
        raise UsageError("--rotate-user and --rotate-secret need each other", hint="give both")
    policy: Path | None = arguments.user_policy
    return Rotation(
        user_name=user,
        secret_name=secret,
        schedule=arguments.schedule or _DEFAULTS.schedule,
        duration=arguments.window,
        grace_hours=arguments.grace_hours,
        recovery_hours=arguments.recovery_hours,
        user_policy=None if policy is None else _policy(policy),
    )


def _events(arguments: argparse.Namespace) -> Events | None:
    workspace, channel = arguments.slack_workspace, arguments.slack_channel
    if (workspace is None) != (channel is None):
        raise UsageError("--slack-workspace and --slack-channel need each other", hint="give both")
    chat = None if channel is None else Chat(workspace_id=workspace, channel_id=channel)
    refused = [name for name in ("no_trail", "no_queue", "no_alarms") if getattr(arguments, name)]
    if not arguments.events and chat is None:
        _unused(refused, "--events")
        return None
    return Events(
        trail=not arguments.no_trail,
        queue=not arguments.no_queue,
        alarms=not arguments.no_alarms,
        chat=chat,
    )


def _unused(names: Sequence[str], needed: str) -> None:
    for name in names:
        flag = f"--{name.replace('_', '-')}"
        raise UsageError(f"{flag} needs {needed}", hint=f"add {needed}, or leave {flag} out")


def _policy(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(_read("--user-policy", path))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise OperatorError(
            f"--user-policy: {path} holds no JSON object", hint="an IAM policy document"
        )
    return said


def _read(flag: str, path: Path) -> str:
    try:
        return read_file(path, flag).decode()
    except UnicodeDecodeError:
        raise OperatorError(f"{flag}: {path} is no text", hint="is it the right file?") from None
