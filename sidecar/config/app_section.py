"""The options of `[apps.<name>]`: what an app may have, and how it proves who it is."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sidecar.config.issuer_section import required_claims, subject_pattern
from sidecar.config.option import names, option, path, text, texts, variable
from sidecar.config.ownership import FileMode, account, file_mode
from sidecar.config.tokens_section import moment


def role_arn_patterns(value: object) -> tuple[str, ...]:
    """Read patterns of role ARNs."""
    found = texts(value)
    if not all(each.startswith(("arn:", "*")) for each in found):
        raise ValueError("takes ARNs, or patterns of ARNs, not the names of configured roles")
    return found


def name_patterns(value: object) -> tuple[str, ...]:
    """Read patterns of the names of secrets or parameters; an ARN would never match one."""
    found = texts(value)
    if any(each.startswith("arn:") for each in found):
        raise ValueError("takes names and patterns of names, which ARNs are judged by, and no ARNs")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSection:
    """A caller: its token, its roles and its secrets."""

    roles: tuple[str, ...] = option(
        names, "Roles it may have; the first is its default.", default=(), example="default"
    )
    secrets: tuple[str, ...] = option(
        name_patterns,
        "Names of secrets that it may read; `*` stands for any run of characters.",
        default=(),
        example="prod/web/*",
    )
    deny_secrets: tuple[str, ...] = option(
        name_patterns,
        "Names of secrets that it may not read, whatever `secrets` says; likewise.",
        default=(),
        example="prod/web/root-*",
    )
    parameters: tuple[str, ...] = option(
        name_patterns,
        "Names of Parameter Store parameters that it may read; likewise.",
        default=(),
        example="/prod/web/*",
    )
    deny_parameters: tuple[str, ...] = option(
        name_patterns,
        "Names of parameters that it may not read, whatever `parameters` says; likewise.",
        default=(),
        example="/prod/web/root-*",
    )
    assume_roles: tuple[str, ...] = option(
        role_arn_patterns,
        "ARNs of roles that it may name as `roleArn` on the secrets door; likewise.",
        default=(),
        example="arn:aws:iam::123456789012:role/reader-*",
    )
    token_file: Path | None = option(
        path,
        "File that the sidecar writes its token to and renews; a missing directory is made.",
        default=None,
        example="/run/sidecar/web/token",
    )
    token_file_mode: FileMode = option(
        file_mode,
        "That file's permissions, in octal.",
        default=FileMode(0o600),
        example="0640",
    )
    token_file_owner: str | None = option(
        account,
        "That file's owner, by name or number; needs root or CAP_CHOWN. Default: who runs the "
        "sidecar.",
        default=None,
        example="www-data",
    )
    token_file_group: str | None = option(
        account,
        "That file's group, by name or number. Default: that of who runs the sidecar.",
        default=None,
        example="www-data",
    )
    static_token_file: Path | None = option(
        path,
        "File with a token that you made, at least 16 characters, no newline; read again when it "
        "changes.",
        default=None,
        example="/run/sidecar/web.token",
    )
    token_env: str | None = option(
        variable,
        "Variable of the sidecar that holds its token.",
        default=None,
        example="WEB_TOKEN",
        hint="name the variable here, and put the token into that variable",
        may_be_shown=False,
    )
    issuer: str | None = option(
        text,
        "Name of the issuer, in `[issuers.<name>]`, that signs its tokens.",
        default=None,
        example="cluster",
    )
    subject: str | None = option(
        subject_pattern,
        "The claim `sub` of these tokens; `*` stands for any run of characters.",
        default=None,
        example="system:serviceaccount:prod:web",
    )
    claims: tuple[tuple[str, str], ...] = option(
        required_claims,
        "What else these tokens must say, as a table of claims; in a variable `name=value,…`.",
        default=(),
        example="/kubernetes.io/namespace=prod",
    )
    not_before: datetime | None = option(
        moment,
        "Tokens that were signed for it before this moment count no more, whoever signed them.",
        default=None,
        example="2026-11-29T10:00:00Z",
    )
