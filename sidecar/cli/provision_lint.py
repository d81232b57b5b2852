"""Judge policies and a profile that exist: what lets nobody in, anybody, or more than needed.

Every document is a JSON file, bare or as AWS's command line shows it. Nothing is asked of AWS.
Exit code 1 when there is an error; warnings alone are 0.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sidecar.arn import Arn
from sidecar.cli.certs_files import read_file
from sidecar.cli.flag_values import reader
from sidecar.cli.one_line import one_line
from sidecar.errors import OperatorError, UsageError
from sidecar.provision.lint import (
    Document,
    Finding,
    is_no_resource_policy,
    lint_execution_role,
    lint_profile,
    lint_resource_policy,
    lint_trust_policy,
    lint_user_policy,
    read_document,
)
from sidecar.rotation.policy_lint import Severity

EXAMPLE: Final = (
    "sidecar provision lint --trust-policy role.json --profile profile.json\n"
    "  where role.json is from: aws iam get-role --role-name sidecar-workload"
)

_DOCUMENTS: Final = {
    "--trust-policy": "trust policy of the role for sessions",
    "--profile": "the profile, as aws rolesanywhere get-profile shows it",
    "--execution-role-policy": "what the role that rotates may do; needs both ARNs",
    "--user-policy": "what the user may do whose key is rotated",
    "--resource-policy": "a secret's own policy",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    for flag, what in _DOCUMENTS.items():
        parser.add_argument(flag, type=Path, metavar="FILE", help=what)
    arn = reader(Arn.parse)
    parser.add_argument("--user-arn", type=arn, metavar="ARN", help="user whose key is rotated")
    parser.add_argument("--secret-arn", type=arn, metavar="ARN", help="secret that holds it")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 when an error is among it."""
    files = {flag: path for flag in _DOCUMENTS if (path := _given(arguments, flag)) is not None}
    if not files:
        hint = f"give {', '.join(_DOCUMENTS)}"
        raise UsageError("there is nothing to judge", hint=hint)
    if "--execution-role-policy" in files and not (arguments.user_arn and arguments.secret_arn):
        raise UsageError(
            "--execution-role-policy needs --user-arn and --secret-arn",
            hint="say whose key it rotates, and in which secret",
        )
    judged, severities = 0, set[Severity]()
    for flag, path in files.items():
        findings = _judged(flag, path, arguments)
        if findings is None:
            print(one_line(f"{path}: no resource policy: nothing to judge"), file=sys.stderr)
            continue
        judged += 1
        for finding in findings:
            severities.add(finding.severity)
            print(_told(path, finding))
    if judged and not severities:
        documents = "1 document" if judged == 1 else f"{judged} documents"
        print(f"nothing found in {documents}", file=sys.stderr)
    return int(Severity.ERROR in severities)


def _judged(flag: str, path: Path, arguments: argparse.Namespace) -> list[Finding] | None:
    """Judge one document; None where it says that there is no policy."""
    content = read_file(path, flag)
    try:
        document = read_document(content)
        if flag == "--resource-policy" and is_no_resource_policy(document):
            return None
        return list(_findings(flag, document, arguments))
    except ValueError as exc:
        raise OperatorError(f"{flag}: {path} {exc}", hint=_DOCUMENTS[flag]) from None


def _findings(flag: str, document: Document, arguments: argparse.Namespace) -> Iterator[Finding]:
    user, secret = arguments.user_arn, arguments.secret_arn
    if flag == "--execution-role-policy":
        return lint_execution_role(document, user_arn=str(user), secret_arn=str(secret))
    if flag == "--resource-policy":
        return lint_resource_policy(document, account=secret.account if secret else None)
    judges = {
        "--trust-policy": lint_trust_policy,
        "--profile": lint_profile,
        "--user-policy": lint_user_policy,
    }
    return judges[flag](document)


def _told(path: Path, finding: Finding) -> str:
    said = one_line(f"{finding.severity}: {path}: {finding.about} {finding.sentence}")
    return f"{said}\n{one_line(f'  hint: {finding.hint}')}"


def _given(arguments: argparse.Namespace, flag: str) -> Path | None:
    path: Path | None = getattr(arguments, flag.removeprefix("--").replace("-", "_"))
    return path
