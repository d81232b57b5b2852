"""The flags that say what is to exist in AWS, which every command of ``provision`` has."""

import argparse
from pathlib import Path

from sidecar.cli.certs_files import read_file
from sidecar.errors import OperatorError
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


def add_wish_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument(
        "--name", default="sidecar", metavar="NAME", help="what all names begin with"
    )
    parser.add_argument(
        "--ca-bundle", type=Path, metavar="FILE", help="PEM of the authority that is trusted"
    )
    parser.add_argument("--private-ca", action="store_true", help="make a root in AWS Private CA")
    parser.add_argument("--crl", type=Path, metavar="FILE", help="PEM list of what is revoked")
    parser.add_argument(
        "--duration-seconds", type=int, default=3600, metavar="N", help="length of a session"
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME",
        help="secret that sessions may read, may be repeated; * stands for any characters",
    )
    parser.add_argument("--list-buckets", action="store_true", help="sessions may list buckets")
    _add_reach(parser)
    parser.add_argument("--rotate-user", metavar="NAME", help="IAM user whose key is rotated")
    parser.add_argument("--rotate-secret", metavar="NAME", help="the secret that holds that key")
    parser.add_argument("--schedule", default="rate(30 days)", help="when it is rotated")
    parser.add_argument("--events", action="store_true", help="trail, rules, topic and queue")
    parser.add_argument("--slack-workspace", metavar="ID", help="workspace that is told")
    parser.add_argument("--slack-channel", metavar="ID", help="channel that is told")


def _add_reach(parser: argparse.ArgumentParser) -> None:
    """Declare what else sessions may use."""
    for flag, value, what in (
        ("--bucket", "NAME", "bucket whose objects sessions may read"),
        ("--kms-key", "ARN", "key that sessions may decrypt with"),
        ("--function", "NAME", "Lambda function that sessions may invoke"),
    ):
        help_text = f"{what}, may be repeated"
        parser.add_argument(flag, action="append", default=[], metavar=value, help=help_text)


def wish_of(arguments: argparse.Namespace) -> Wish:
    """Read them; OperatorError when they do not go together."""
    return Wish(
        name=arguments.name,
        authority=_authority(arguments),
        revocation_list=_text(arguments.crl, "revocation list"),
        sessions=Sessions(duration_seconds=arguments.duration_seconds),
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


def _authority(arguments: argparse.Namespace) -> OwnAuthority | PrivateAuthority:
    if arguments.private_ca:
        return PrivateAuthority()
    bundle = _text(arguments.ca_bundle, "authority")
    if bundle is None:
        raise OperatorError("no authority is named", hint="give --ca-bundle or --private-ca")
    return OwnAuthority(bundle=bundle)


def _rotation(arguments: argparse.Namespace) -> Rotation | None:
    user, secret = arguments.rotate_user, arguments.rotate_secret
    if user is None and secret is None:
        return None
    if user is None or secret is None:
        raise OperatorError(
            "a rotation needs a user and a secret", hint="give --rotate-user and --rotate-secret"
        )
    return Rotation(user_name=user, secret_name=secret, schedule=arguments.schedule)


def _events(arguments: argparse.Namespace) -> Events | None:
    if arguments.slack_channel is None:
        return Events() if arguments.events else None
    if arguments.slack_workspace is None:
        raise OperatorError("a channel needs its workspace", hint="give --slack-workspace")
    return Events(
        chat=Chat(workspace_id=arguments.slack_workspace, channel_id=arguments.slack_channel)
    )


def _text(path: Path | None, what: str) -> str | None:
    return None if path is None else read_file(path, what).decode(errors="replace")
