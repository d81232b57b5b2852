"""The names that ids of secrets and parameters stand for: what policies are written in."""

import json
import re
from typing import Final

from sidecar.redaction import Secret

# Secrets Manager appends a hyphen and six characters to a secret's name in its ARN.
_ARN_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}\Z")
# Parameters that are secrets in truth (Systems Manager user guide, "Referencing AWS Secrets Manager
# secrets from Parameter Store parameters"); AWS wants the slash in front.
_REFERENCE: Final = re.compile(r"/*aws/reference/secretsmanager/", re.IGNORECASE)
# What follows is the name, with a slash in front whether it begins with one or not.
_PARAMETER_ARN: Final = re.compile(r"arn:[^:]*:ssm:[^:]*:[^:]*:parameter(?=/)")
_COLONS_BEFORE_NAME: Final = 6
_ODD_PARTS: Final = frozenset({"", ".", ".."})


def possible_names(secret_id: str) -> tuple[str, ...]:
    """Give the secret names that an id may stand for."""
    if not secret_id.startswith("arn:"):
        return (secret_id,)
    name = secret_id.split(":", _COLONS_BEFORE_NAME)[-1]
    return (name, _ARN_SUFFIX.sub("", name))


def parameter_name(asked: str) -> str:
    """Give the name of a parameter without its selector, ``:3`` or ``:label``.

    Args:
        asked: a name or an ARN.

    """
    return _bare(asked).partition(":")[0]


def has_usual_spelling(asked: str) -> bool:
    """Whether a parameter's name is written in the one way in which AWS gives it back.

    Nothing may hide what a name begins with: no part is empty, a dot, two dots, or has a blank.

    Args:
        asked: a name or an ARN; a selector does not count.

    """
    name = parameter_name(asked)
    parts = name.removeprefix("/").split("/")
    return not any(map(str.isspace, name)) and not any(part in _ODD_PARTS for part in parts)


def referred_secret(asked: str) -> str | None:
    """Give the id of the secret that a parameter stands for; None if it is a parameter itself."""
    name = _bare(asked)
    found = _REFERENCE.match(name)
    if found is None:
        return None
    secret_id = name[found.end() :]
    if not secret_id.startswith("arn:"):
        return secret_id.partition(":")[0]
    *scope, secret = secret_id.split(":", _COLONS_BEFORE_NAME)
    return ":".join([*scope, secret.partition(":")[0]])


def referred_secret_name(asked: str, source_result: Secret | None) -> str | None:
    """Give the real name of the secret that a parameter stands for; None when nothing tells it.

    Args:
        asked: the parameter.
        source_result: what AWS tells of the secret, as JSON text, or None. It is needed where the
            id is an ARN, and where the parameter's name is none that stands for a secret; any other
            id can be one name only.

    """
    secret_id = referred_secret(asked)
    unsure = secret_id is None or secret_id.startswith("arn:")
    return _told_name(source_result) or (None if unsure else secret_id)


def _told_name(source_result: Secret | None) -> str | None:
    try:
        told = json.loads(source_result.reveal() if source_result else "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    # AWS's own pages disagree on the case of the keys.
    names = [value for key, value in told.items() if key.lower() == "name"]
    return names[0] if len(names) == 1 and isinstance(names[0], str) else None


def _bare(asked: str) -> str:
    """Give what a parameter is called, without what an ARN puts in front."""
    found = _PARAMETER_ARN.match(asked)
    return asked if found is None else asked[found.end() :]
