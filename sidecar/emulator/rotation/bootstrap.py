"""Runs one invocation of a deployed function, as a program of its own in the unpacked zip.

It imports nothing of the sidecar: a zip may bring another version of it.
"""

import importlib
import json
import os
import sys
import time
from typing import Any


class Context:
    """The context object of an invocation, as far as rotation functions look at it."""

    def __init__(self, members: dict[str, str], timeout_seconds: float) -> None:
        self.__dict__.update(members)
        self._ends = time.monotonic() + timeout_seconds

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


def main() -> None:
    """Read the invocation from standard input, and call the handler."""
    invocation: dict[str, Any] = json.load(sys.stdin)
    # What the function prints is its log; standard output is for what it returns.
    answer, sys.stdout = sys.stdout, sys.stderr
    # This file's folder is where Python looks first; Lambda looks in the function's.
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    module, _, name = invocation["handler"].rpartition(".")
    handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    context = Context(invocation["context"], invocation["timeout_seconds"])
    json.dump(handler(invocation["event"], context), answer)


if __name__ == "__main__":
    main()
