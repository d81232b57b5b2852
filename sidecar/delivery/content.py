"""What a reference means of a value that AWS gave: the whole of it, or one JSON key."""

import json
import re
from base64 import b64decode
from typing import Final

from sidecar.aws.parameter import ParameterValue
from sidecar.aws.secret import SecretValue
from sidecar.delivery.reference import Reference
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")


class _Number(str):
    """A number as the JSON text writes it: 1.50 stays 1.50, whatever its size."""

    __slots__ = ()


def content(reference: Reference, value: SecretValue | ParameterValue) -> Secret:
    """Give the content that a reference asks for; `Secret.encoded` of it is exactly its bytes.

    A binary secret is its bytes. A JSON key is first looked for as it is, and then as a path with
    dots (``replicas.0.host``). Text found there is given as it is, anything else as JSON.

    Raises:
        OperatorError: there is no such key, or no text that UTF-8 can hold. Says nothing of what
            the value holds, not even its keys.

    """
    try:
        whole = _whole(value)
        return whole if reference.json_key is None else _picked(whole, reference.json_key)
    except ValueError as exc:
        raise OperatorError(
            f"{reference} {exc}", hint="compare the reference with what is kept at AWS"
        ) from None


def _whole(value: SecretValue | ParameterValue) -> Secret:
    if isinstance(value, ParameterValue):
        return _encodable(value.value.reveal())
    if value.text is not None:
        return _encodable(value.text.reveal())
    binary = b"" if value.binary is None else b64decode(value.binary.encoded())
    return Secret(binary.decode(errors="surrogateescape"))


def _encodable(text: str) -> Secret:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no text in UTF-8") from None
    return Secret(text)


def _picked(whole: Secret, key: str) -> Secret:
    try:
        found = _found(json.loads(whole.reveal(), parse_int=_Number, parse_float=_Number), key)
        if not isinstance(found, str):
            # Numbers in a list or an object are written anew: the first reading made text of them.
            found = _compact(_found(json.loads(whole.reveal()), key))
    except KeyError:
        raise ValueError("names a JSON key that is not there") from None
    except (ValueError, RecursionError):  # its words may quote the value
        raise ValueError("names a JSON key of a value that is not JSON") from None
    return _encodable(str(found))


def _compact(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _found(document: object, key: str) -> object:
    if isinstance(document, dict) and key in document:
        return document[key]
    for step in key.split("."):
        if isinstance(document, dict):
            document = document[step]
        elif isinstance(document, list) and _INDEX.fullmatch(step) and int(step) < len(document):
            document = document[int(step)]
        else:
            raise KeyError
    return document
