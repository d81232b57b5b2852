"""The profile in AWS's own files that SDKs prefer to a container's endpoint, if there is one."""

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sidecar.credentials_file.rewrite import default_file
from sidecar.errors import OperatorError
from sidecar.regular_file import read_regular_file

# Each makes a profile a source of credentials. Not role_arn: its credential_source may well be the
# container's endpoint.
_SOURCES: Final = frozenset(
    {
        "aws_access_key_id",
        "credential_process",
        "source_profile",
        "web_identity_token_file",
        "sso_session",
        "sso_start_url",
        "login_session",
    }
)
_CREDENTIALS_FILE: Final = "AWS_SHARED_CREDENTIALS_FILE"
_CONFIG_FILE: Final = "AWS_CONFIG_FILE"
_MAX_BYTES: Final = 1_000_000


def stronger_profiles(environment: Mapping[str, str]) -> Iterator[tuple[Path, str, str, str]]:
    """Find where the profile in use has credentials of its own, or a way to them.

    A file that cannot be read or parsed counts as empty; no value in it is looked at.

    Args:
        environment: AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE count.

    Returns:
        The file, the section, the first key that counts, and the variable that names another file.

    """
    name = environment.get("AWS_PROFILE") or "default"
    try:
        credentials = default_file(environment)
        config = Path(environment.get(_CONFIG_FILE) or "~/.aws/config").expanduser()
    except (RuntimeError, OperatorError):  # a user without a home
        return
    in_config = {f"profile {name}", *({name} & {"default"})}
    places = ((credentials, {name}, _CREDENTIALS_FILE), (config, in_config, _CONFIG_FILE))
    for file, sections, variable in places:
        for section, keys in _sections(file):
            if section in sections and (found := sorted(_SOURCES & keys)):
                yield file, section, found[0], variable


def _sections(file: Path) -> Iterator[tuple[str, set[str]]]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        content, _ = read_regular_file(file, _MAX_BYTES)
        parser.read_string(content.decode())
    except (OSError, ValueError, configparser.Error):
        return
    for section in parser.sections():
        yield section, set(parser.options(section))
