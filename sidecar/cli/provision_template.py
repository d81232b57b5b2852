"""Print what is to exist in AWS as a template for CloudFormation, or as JSON for Terraform.

The format key-events is a template for us-east-1, which alone has the events of access keys: it
sends them on to the region of the stack.

Nothing is asked of AWS and nothing is made. No secret value is in it: a rotated key is made by its
first rotation.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from sidecar.cli.provision_flags import add_wish_arguments, wish_of
from sidecar.cli.wish_problems import told_by_flag
from sidecar.provision import cloudformation, key_events, terraform
from sidecar.provision.wish import Wish

EXAMPLE: Final = (
    "sidecar provision template --ca-bundle ca/ca.pem --secret 'prod/web/*' > template.json\n"
    "  aws cloudformation deploy --stack-name sidecar --template-file template.json"
    " --capabilities CAPABILITY_NAMED_IAM"
)

_FORMATS: Final[Mapping[str, Callable[[Wish], str]]] = {
    "cloudformation": cloudformation.render,
    "terraform": terraform.render,
    "key-events": key_events.render,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--format",
        choices=tuple(_FORMATS),
        default="cloudformation",
        help="what the template is for (default: %(default)s)",
    )
    add_wish_arguments(parser)
    parser.add_argument(
        "--code-bucket",
        metavar="NAME",
        help="bucket with the functions' code, the zip that `make lambda` makes",
    )
    parser.add_argument(
        "--code-key",
        metavar="KEY",
        help="the zip's key in that bucket (default: rotation-lambda.zip)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print it; a ConfigError names all that AWS would refuse."""
    wish = wish_of(arguments)
    if wish.rotation is not None:
        given = {"code_bucket": arguments.code_bucket, "code_key": arguments.code_key}
        where = {name: value for name, value in given.items() if value is not None}
        wish = replace(wish, rotation=replace(wish.rotation, **where))
    with told_by_flag():
        template = _FORMATS[arguments.format](wish)
    print(template, end="")
    return 0
