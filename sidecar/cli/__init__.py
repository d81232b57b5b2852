"""The command line: one small module a command, imported only when it is asked for.

Output rules: stdout carries a command's result and nothing else; stderr is for people. A failure
is one line ``sidecar: what failed`` and one line ``hint: what to do``; a traceback stands before
them only when the failure is a bug.
"""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from sidecar import __version__
from sidecar.cli.one_line import one_line
from sidecar.errors import ConfigError, NetworkLost, SidecarError, UsageError

EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2
# EX_UNAVAILABLE of sysexits.h: starting it again, elsewhere, is what helps.
EXIT_NETWORK_LOST: Final = 69
# EX_TEMPFAIL of sysexits.h, so that a wrapper knows when waiting is worth while.
EXIT_TRY_LATER: Final = 75
EXIT_INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lives and what the overview says of it.

    The module has ``add_arguments(parser)`` and ``run(arguments) -> int``; its docstring is the
    command's description, and its ``EXAMPLE`` ends the command's help.
    """

    module: str
    summary: str


COMMANDS: Final = {
    "serve": Command("serve", "open the doors: credentials and secrets on localhost"),
    "exec": Command("exec", "run one program with doors of its own and secrets in its environment"),
    "status": Command("status", "say how a running sidecar stands"),
    "reload": Command("reload", "have a running sidecar read its configuration again"),
    "refresh": Command("refresh", "have a running sidecar renew its sessions"),
    "invalidate": Command("invalidate", "have a running sidecar read secrets again"),
    "rotate": Command("rotate", "rotate the access key in a secret, or say how it stands"),
    "notify test": Command("notify_test", "send a test notice to each sink, or to one"),
    "env": Command("env", "print the exports that point an application at the sidecar"),
    "token issue": Command("token_issue", "sign a token for an app"),
    "token show": Command("token_show", "say what a token says, and whether it counts"),
    "credential-process": Command("credential_process", "print one session for credential_process"),
    "update": Command("update", "keep a profile of ~/.aws/credentials fresh"),
    "sign-string": Command("sign_string", "sign a fixed text, to see that a key can be used"),
    "read-certificate-data": Command(
        "read_certificate_data", "print what AWS needs of a certificate"
    ),
    "certs ca": Command("certs_ca", "make a private certificate authority"),
    "certs issue": Command("certs_issue", "issue a workload certificate from it"),
    "certs renew": Command("certs_renew", "renew a workload certificate"),
    "certs revoke": Command("certs_revoke", "note that a certificate is revoked"),
    "certs crl": Command("certs_crl", "sign the list of revoked certificates"),
    "certs show": Command("certs_show", "say what certificates and keys are, and what is wrong"),
    "provision template": Command(
        "provision_template", "print what is to exist in AWS, for CloudFormation or Terraform"
    ),
    "provision lint": Command("provision_lint", "judge policies and a profile that exist"),
    "audit verify": Command(
        "audit_verify", "check that nothing of a chained audit trail was changed or removed"
    ),
    "provision plan": Command("provision_plan", "show what apply would do in AWS"),
    "provision apply": Command("provision_apply", "make in AWS what the sidecar needs"),
    "provision destroy": Command("provision_destroy", "delete in AWS what apply made"),
    "emulator": Command("emulator", "AWS on one local port, for development and tests"),
    "demo": Command("demo", "run the whole story on the emulator, step by step"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 when done, 1 on failure, 2 on wrong usage or configuration, 69 when the network namespace was
    left by its owner, 75 on a failure that may pass by
    itself (AWS is down, far or throttling), 130 when interrupted.
    """
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:  # it was closed from the start
            sys.stdout.flush()
    except SidecarError as exc:
        _print_error(exc)
        return _exit_code(exc)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; at its end Python would flush into the pipe once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except Exception as exc:  # noqa: BLE001 - the last place where a bug can be told in our form
        _print_bug(exc)
        return EXIT_FAILURE
    return code


def _exit_code(exc: SidecarError) -> int:
    if isinstance(exc, ConfigError | UsageError):
        return EXIT_USAGE
    if isinstance(exc, NetworkLost):
        return EXIT_NETWORK_LOST
    return EXIT_TRY_LATER if exc.retryable else EXIT_FAILURE


def _run(words: Sequence[str]) -> int:
    if words[:1] in (["--version"], ["version"]):
        print(f"sidecar {__version__}")
        return 0
    name = _command_name(words)
    if name is None:
        return _overview(words)
    arguments = build_parser(name).parse_args(words[len(name.split()) :])
    code: int = arguments.run(arguments)
    return code


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports in this program's own form."""

    def error(self, message: str) -> NoReturn:
        _say(one_line(f"sidecar: {message}"), f"hint: {self.prog} --help")
        raise SystemExit(EXIT_USAGE)


def _command_name(words: Sequence[str]) -> str | None:
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            return name
    return None


def build_parser(name: str) -> argparse.ArgumentParser:
    """Make the parser of one command; the parsed arguments hold its ``run`` as ``run``."""
    module = importlib.import_module(f"sidecar.cli.{COMMANDS[name].module}")
    parser = _Parser(
        prog=f"sidecar {name}",
        description=module.__doc__,
        epilog=f"example:\n  {module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)
    return parser


def _overview(words: Sequence[str]) -> int:
    """Answer a line without a known command: help on demand, else a complaint."""
    asks_for_help = words[-1:] in (["--help"], ["-h"], ["help"])
    names = [word for word in words if not (asks_for_help and word is words[-1])]
    group = {name: each for name, each in COMMANDS.items() if names == name.split()[:1] != [name]}
    if names and not group:
        unknown = " ".join(names[:2]) if _is_group(names[0]) else names[0]
        _say(
            one_line(f"sidecar: unknown command: {unknown}"),
            "hint: sidecar --help lists the commands",
        )
        return EXIT_USAGE
    text = _listing(group or COMMANDS)
    if asks_for_help:
        print(text)
        return 0
    _say(text)
    return EXIT_USAGE


def _is_group(word: str) -> bool:
    return any(name.startswith(f"{word} ") for name in COMMANDS)


def _listing(commands: Mapping[str, Command]) -> str:
    width = max(map(len, commands))
    return "\n".join(
        (
            "usage: sidecar COMMAND [--help] …",
            "",
            "AWS credentials and secrets for applications outside AWS.",
            "sidecar COMMAND --help says what a command does, with its options and their defaults.",
            "",
            *(f"  {name:<{width}}  {command.summary}" for name, command in commands.items()),
            "",
            "example:",
            "  sidecar serve --config sidecar.toml",
        )
    )


def _print_error(exc: SidecarError) -> None:
    lines = [f"sidecar: {exc.message}"]
    if isinstance(exc, ConfigError):
        for problem in exc.problems:
            lines += [f"  {problem}", *([f"    hint: {problem.hint}"] if problem.hint else [])]
    if exc.hint:
        lines.append(f"hint: {exc.hint}")
    _say(*map(one_line, lines))


def _print_bug(exc: Exception) -> None:
    told = "".join(traceback.format_exception(exc)).splitlines()
    told += [
        f"sidecar: internal error: {type(exc).__name__}: {exc}",
        "hint: this is a bug in the sidecar; please report it with the lines above",
    ]
    _say(*map(one_line, told))


def _say(*lines: str) -> None:
    if sys.stderr is not None:  # print would take stdout in its place
        print(*lines, sep="\n", file=sys.stderr)
