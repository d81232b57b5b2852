"""Make in AWS what is to exist, and write the sidecar.toml of this machine.

Done again it changes only what has become different; a run that was interrupted is simply repeated.
No resource is deleted without --prune, which takes away what an earlier description made and this
one does not want. What exists with the same name and without the stack's tag is refused.
Works with the credentials of whoever runs it, as boto3 finds them: variables, a profile, a role.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Final

from sidecar.atomic_file import write_atomically
from sidecar.cli import build_parser, certs_issue
from sidecar.cli.certs_files import (
    cannot_write,
    make_directory,
    read_file,
    refuse_to_overwrite,
)
from sidecar.cli.one_line import one_line
from sidecar.cli.provision_account import (
    Stack,
    add_account_arguments,
    add_zip_argument,
    open_stack,
)
from sidecar.cli.provision_authority import check_issuer
from sidecar.cli.provision_deletion import (
    add_deletion_arguments,
    ask,
    leave_of,
    refuse_unless_pruning,
    show,
    tell_deletion,
    things,
)
from sidecar.cli.provision_flags import add_wish_arguments, wish_of
from sidecar.cli.provision_machine import add_machine_arguments
from sidecar.errors import OperatorError
from sidecar.provision.applying import Doomed, apply, destroy, refuse_early
from sidecar.provision.events_part import HOME_OF_IAM, KEY_RULE
from sidecar.provision.leftovers import left_over
from sidecar.provision.looking import Look
from sidecar.provision.machine import NAMED_BY_AWS, Machine, sidecar_toml
from sidecar.provision.planning import Action, Step
from sidecar.provision.showing import step_lines, summary

EXAMPLE: Final = "sidecar provision apply --ca-bundle ca/ca.pem --issue-from ca --name web"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_wish_arguments(parser)
    add_account_arguments(parser)
    add_zip_argument(parser)
    add_machine_arguments(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace a sidecar.toml that says something else, and with --issue-from a private key"
        " that has no certificate",
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="delete, after asking, what is of this stack and described no longer",
    )
    add_deletion_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make it, and print what was done; a SidecarError says where it stopped."""
    wish = wish_of(arguments)
    refuse_unless_pruning(arguments)
    _refuse_to_issue_in_vain(arguments)
    stack = open_stack(arguments, wish).allowing(leave_of(arguments))
    machine = _machine(arguments, stack)
    steps: list[Step] = []

    def tell(step: Step) -> None:
        steps.append(step)
        if step.action is not Action.LEAVE:
            for line in step_lines(step):
                print(one_line(line), flush=True)

    look = stack.look()
    refuse_early(look)
    if not arguments.force:
        _refuse_other_configuration(machine, look)
    over = _agreed_to(stack, arguments)
    look = stack.look()
    apply(look, tell)
    print(one_line(summary(steps).replace("to create", "made").replace("to change", "changed")))
    if over:
        destroy(stack.account, over, tell_deletion)
        print(f"{things(len(over))} deleted")
    _write(machine.configuration, sidecar_toml(machine, look.resources, look.found), arguments)
    if arguments.issue_from is not None:
        _issue(machine, arguments)
    _tell_what_is_next(machine, look)
    return 0


def _tell_what_is_next(machine: Machine, look: Look) -> None:
    """Name what no `apply` does: the further stack is for changes of the key by others."""
    if not machine.certificate.exists():
        print(f"next: put this machine's certificate at {machine.certificate}", file=sys.stderr)
    with_key_rule = any(each.logical_id == KEY_RULE for each in look.resources)
    if with_key_rule and machine.region != HOME_OF_IAM:
        print(
            f"next: IAM tells of changed keys in {HOME_OF_IAM} alone:"
            " sidecar provision template --format key-events",
            file=sys.stderr,
        )
    configuration = shlex.quote(str(machine.configuration))
    print(one_line(f"next: sidecar serve --config {configuration}"), file=sys.stderr)


def _agreed_to(stack: Stack, arguments: argparse.Namespace) -> tuple[Doomed, ...]:
    """Give what shall be pruned once all else is made; nothing was changed yet."""
    if not arguments.prune:
        return ()
    over = left_over(stack.account, stack.wish)
    over.refuse_kept()
    if over.things:
        show(stack.account, over.things)
        ask(stack.account, over.things, arguments)
    for each in over.unseen:
        print(one_line(f"not looked for, since AWS refused it: {each}"), file=sys.stderr)
    return over.things


def _refuse_to_issue_in_vain(arguments: argparse.Namespace) -> None:
    """See before anything is made that the certificate can be issued and will be taken."""
    machine = Machine(arguments.directory.absolute(), region="")
    if arguments.issue_from is None or machine.certificate.exists():
        return
    check_issuer(arguments)
    if not arguments.force:  # such a key may be wanted
        hint = f"put its certificate at {machine.certificate}, or give --force to replace the key"
        refuse_to_overwrite(machine.private_key, hint=hint)


def _refuse_other_configuration(machine: Machine, look: Look) -> None:
    """See before anything is made whether what is there says something else, where that is known.

    The names of an anchor and a profile are AWS's: what is to be made cannot be named there yet.
    """
    path = machine.configuration
    if not path.exists():
        return
    to_make = {each.type for each in look.resources if each.logical_id not in look.found}
    if not to_make & NAMED_BY_AWS:
        if to_make:
            return
        said = sidecar_toml(machine, look.resources, look.found).encode()
        if read_file(path, "configuration") == said:
            return
    raise OperatorError(
        f"{path} exists and says something else",
        hint="nothing was made; give --force to replace it, with all that was added to it,"
        " or another --directory",
    )


def _machine(arguments: argparse.Namespace, stack: Stack) -> Machine:
    return Machine(
        directory=arguments.directory.absolute(),
        region=stack.account.place.region,
        endpoint_url=arguments.endpoint_url,
        readable=stack.wish.reach.secrets,
    )


def _write(path: Path, text: str, arguments: argparse.Namespace) -> None:
    """Write the configuration, unless one is there that says something else."""
    content = text.encode()
    make_directory(path.parent)
    if path.exists() and not arguments.force:
        if read_file(path, "configuration") == content:
            return
        raise OperatorError(
            f"{path} exists and says something else",
            hint="everything in AWS is made; give --force to replace it, with all that was added"
            " to it, or another --directory",
        )
    try:
        write_atomically(path, content, mode=0o600)
    except OSError as exc:
        raise cannot_write(path, exc) from exc
    print(f"configuration\t{path}")


def _issue(machine: Machine, arguments: argparse.Namespace) -> None:
    """Issue the certificate as `sidecar certs issue` does."""
    if machine.certificate.exists():
        return
    words = ["--ca", str(arguments.issue_from), "--directory", str(machine.directory)]
    words += ["--common-name", arguments.common_name, *(["--force"] if arguments.force else [])]
    certs_issue.issue(build_parser("certs issue").parse_args(words))
