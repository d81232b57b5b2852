"""AWS's JSON answers leave out members that have no value; moto writes some of them as null."""

import json
from typing import Any


def without_nulls(body: bytes) -> bytes:
    """Leave out null members at every depth; a body that is no JSON stays as it is."""
    try:
        value = json.loads(body)
    except ValueError:
        return body
    return json.dumps(_filled(value)).encode()


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each) for key, each in value.items() if each is not None}
    return [_filled(each) for each in value] if isinstance(value, list) else value
