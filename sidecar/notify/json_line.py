"""A notice as a line of JSON, for a file that people and collectors of logs read."""

from sidecar.notice import Notice
from sidecar.notify.presentable import as_json, document


def line(notice: Notice) -> bytes:
    """Write the line, without a newline."""
    return as_json(document(notice)).encode("ascii")
