"""Asking a running sidecar over its control socket: one question, one answer, in limited time."""

import http.client
import io
import json
import os
import socket
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from sidecar.errors import ConfigError, NotReady, OperatorError, Problem, SidecarError
from sidecar.web.peer import ROOT, peer_of

# A little longer than the sidecar takes to say that it takes longer.
ANSWER_SECONDS: Final = 25.0
_MAX_ANSWER_BYTES: Final = 4 << 20
_CHUNK_BYTES: Final = 1 << 16
_NO_SIDECAR: Final = "start `sidecar serve`, or name its socket by --socket"
_STRANGER: Final = "check what answers there, or name the sidecar's socket by --socket"


def ask(
    path: Path, method: str, target: str, *, answer_seconds: float = ANSWER_SECONDS
) -> dict[str, Any]:
    """Ask the sidecar behind a socket.

    Args:
        path: the control socket.
        method: GET or POST.
        target: path and query, encoded.
        answer_seconds: how long all of it may take.

    Raises:
        NotReady: no sidecar answers there, or not in time.
        OperatorError: the socket is not to be trusted, or what answers is no sidecar.
        SidecarError: what the sidecar said no with.

    """
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        _check_place(path)
        answer = _exchange(path, head.encode("ascii"), time.monotonic() + answer_seconds)
    except TimeoutError:
        raise NotReady(
            f"no answer within {answer_seconds:g} s at {path}", hint="see the sidecar's log"
        ) from None
    except PermissionError:
        message = f"the control socket may not be used by uid {os.geteuid()}: {path}"
        raise OperatorError(message, hint="run this as the sidecar's user, or as root") from None
    except OSError as exc:
        why = exc.strerror or str(exc)
        raise NotReady(f"no sidecar answers at {path}: {why}", hint=_NO_SIDECAR) from exc
    status, document = _parsed(answer, path)
    if status == http.client.OK:
        return document
    raise _error(document)


def _check_place(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISSOCK(status.st_mode):
        raise OperatorError(f"this is no socket: {path}", hint=_STRANGER)
    _check_owner(status.st_uid, path)


def _check_owner(uid: int, path: Path) -> None:
    """Refuse a socket of somebody else's: what it says would be believed."""
    if uid not in (ROOT, os.geteuid()):
        raise OperatorError(
            f"the control socket belongs to uid {uid}, this is uid {os.geteuid()}: {path}",
            hint=f"run this as the sidecar's user, such as by sudo -u '#{uid}'",
        )


def _exchange(path: Path, request: bytes, deadline: float) -> bytes:
    """Send a request and read until the other side closes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_left(deadline))
        connection.connect(os.fspath(path))
        # The file may have been another one a moment ago; this is who really answers.
        _check_owner(peer_of(connection).uid, path)
        connection.sendall(request)
        answer = bytearray()
        while len(answer) <= _MAX_ANSWER_BYTES:
            connection.settimeout(_left(deadline))
            chunk = connection.recv(_CHUNK_BYTES)
            if not chunk:
                break
            answer += chunk
        return bytes(answer)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Received:
    """An answer that has arrived, in the place of the socket that http.client reads from."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, mode: str) -> io.BytesIO:  # noqa: ARG002 - always "rb"
        return io.BytesIO(self._answer)


def _parsed(answer: bytes, path: Path) -> tuple[int, dict[str, Any]]:
    response = http.client.HTTPResponse(cast("socket.socket", _Received(answer)))
    try:
        response.begin()
        document = json.loads(response.read())
    except (http.client.HTTPException, ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise OperatorError(f"what answers at {path} is no sidecar", hint=_STRANGER)
    return response.status, document


def _error(document: Mapping[str, Any]) -> SidecarError:
    """Make the error of which the sidecar told, so that it is told again in the usual form."""
    problems = document.get("problems")
    if isinstance(problems, list) and problems:
        return ConfigError([_problem(each) for each in problems])
    message = str(document.get("message") or "the sidecar said no")
    kind = NotReady if document.get("retryable") is True else OperatorError
    return kind(message, hint=str(document.get("hint") or ""))


def _problem(told: object) -> Problem:
    parts = told if isinstance(told, dict) else {}
    where, what, hint = (str(parts.get(key, "")) for key in ("where", "what", "hint"))
    return Problem(where, what, hint)
