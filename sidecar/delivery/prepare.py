"""From the options of a file to what is delivered, every problem of it found at start."""

import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.secret import SecretQuery
from sidecar.delivery.on_change import Action, RunCommand, SendSignal
from sidecar.delivery.reference import Reference
from sidecar.delivery.template import Place, Template
from sidecar.errors import OperatorError, Problem
from sidecar.file_target import Target, group_number, prove, user_number
from sidecar.regular_file import read_regular_file

_T = TypeVar("_T")

# Far above any template; a wrong path to a huge file must not fill the memory.
_MAX_TEMPLATE_BYTES: Final = 1_000_000


class FileOptions(Protocol):
    """The checked options of one file, which go together; see docs/files.md."""

    @property
    def path(self) -> Path: ...  # noqa: D102 - an option
    @property
    def secret(self) -> str | None: ...  # noqa: D102
    @property
    def parameter(self) -> str | None: ...  # noqa: D102
    @property
    def json_key(self) -> str | None: ...  # noqa: D102
    @property
    def stage(self) -> str | None: ...  # noqa: D102
    @property
    def template(self) -> str | None: ...  # noqa: D102
    @property
    def template_file(self) -> Path | None: ...  # noqa: D102
    @property
    def mode(self) -> int: ...  # noqa: D102
    @property
    def owner(self) -> str | None: ...  # noqa: D102
    @property
    def group(self) -> str | None: ...  # noqa: D102
    @property
    def signal(self) -> str | None: ...  # noqa: D102
    @property
    def pid_file(self) -> Path | None: ...  # noqa: D102
    @property
    def command(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def command_timeout_seconds(self) -> int: ...  # noqa: D102
    @property
    def debounce_seconds(self) -> int: ...  # noqa: D102
    @property
    def via(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A file to deliver: where, what, whose credentials read it, and who is told of a change.

    Args:
        target: where it is written.
        template: its content.
        via: the role whose credentials read the values; None for the usual one.
        action: what follows a change of content.
        debounce_seconds: how long further changes are waited for before the action.

    """

    target: Target
    template: Template
    via: str | None = None
    action: Action | None = None
    debounce_seconds: float = 0


def prepare_files(
    files: Mapping[str, FileOptions], environment: Mapping[str, str]
) -> tuple[tuple[PreparedFile, ...], list[Problem], list[str]]:
    """Do as `prepare_file` for all files, by where their options stand."""
    each = [prepare_file(where, options, environment) for where, options in files.items()]
    return (
        tuple(file for file, _, _ in each if file is not None),
        [problem for _, problems, _ in each for problem in problems],
        [warning for _, _, warnings in each for warning in warnings],
    )


def prepare_file(
    where: str, options: FileOptions, environment: Mapping[str, str]
) -> tuple[PreparedFile | None, list[Problem], list[str]]:
    """Check everything about a file that can be checked before AWS is asked.

    Args:
        where: where the options stand, such as ``files.1``.
        options: they go together already.
        environment: what a command is given some variables of.

    Returns:
        The file if there are no problems, the problems, and warnings.

    """
    problems: list[Problem] = []

    def tried(key: str, attempt: Callable[[], _T]) -> _T | None:
        try:
            return attempt()
        except OperatorError as exc:
            problems.append(Problem(f"{where}.{key}", exc.message, exc.hint))
            return None

    source = "template_file" if options.template_file is not None else "template"
    template = tried(source, lambda: _template(options))
    uid = tried("owner", lambda: None if options.owner is None else user_number(options.owner))
    gid = tried("group", lambda: None if options.group is None else group_number(options.group))
    action = tried("command", lambda: _action(options, environment))
    target = Target(options.path, options.mode, uid, gid)
    warnings = [] if problems else tried("path", lambda: prove(target)) or []
    if problems or template is None:
        return None, problems, warnings
    prepared = PreparedFile(target, template, options.via, action, options.debounce_seconds)
    return prepared, problems, [f"{where}: {each}" for each in warnings]


def _template(options: FileOptions) -> Template:
    if options.secret is not None:
        query = SecretQuery(options.secret, version_stage=options.stage)
        return Template((Place(Reference(query, options.json_key)),))
    if options.parameter is not None:
        parameter = ParameterQuery(options.parameter, with_decryption=True)
        return Template((Place(Reference(parameter, options.json_key)),))
    if options.template_file is not None:
        return Template.parse(_read(options.template_file))
    return Template.parse(options.template or "")


def _read(path: Path) -> str:
    try:
        content, _ = read_regular_file(path, _MAX_TEMPLATE_BYTES + 1)
        if len(content) > _MAX_TEMPLATE_BYTES:
            raise OperatorError(f"{path} is larger than {_MAX_TEMPLATE_BYTES} bytes")
        return content.decode()
    except OSError as exc:
        raise OperatorError(f"{path} cannot be read: {exc.strerror}", hint="check it") from exc
    except UnicodeDecodeError:
        hint = "is this the right file?"
        raise OperatorError(f"{path} is no text in UTF-8", hint=hint) from None


def _action(options: FileOptions, environment: Mapping[str, str]) -> Action | None:
    if options.signal is not None and options.pid_file is not None:
        return SendSignal(signal.Signals[f"SIG{options.signal}"], options.pid_file)
    if options.command:
        if shutil.which(options.command[0], path=environment.get("PATH")) is None:
            raise OperatorError(
                f"there is no program {options.command[0]}",
                hint="name it by its whole path, and let it be executable",
            )
        return RunCommand(options.command, environment, options.command_timeout_seconds)
    return None
