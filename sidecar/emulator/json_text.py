"""JSON from outside, which may be nested more deeply than Python follows."""

import json


def from_json(text: str | bytes) -> object:
    """Parse JSON.

    Raises:
        ValueError: not JSON, or nested too deeply; `json.loads` has another exception for that.
    """
    try:
        value: object = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value
