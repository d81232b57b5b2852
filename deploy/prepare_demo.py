#!/usr/bin/env python3
"""Set the demo's stage at the emulator, once in the emulator's life, and hand the app its token.

Compose runs this one-shot at every `up`, but the emulator forgets everything only when it starts
anew. Its administrator's key tells one life from the next. Arguments go to `sidecar demo`.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from sidecar.atomic_file import write_atomically

EMULATOR = "http://emulator:4566"
PREPARED = Path("/var/lib/sidecar")  # the sidecar's: certificate, key, token, configuration
HANDED_OUT = Path("/run/sidecar")  # the app's: its token, and nothing else
PREPARED_FOR = "prepared-for"
# A proxy that Docker hands to containers knows no service of compose's by its name.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> None:
    """Prepare what is not prepared yet."""
    life = life_of(EMULATOR)
    if is_prepared(PREPARED, life):
        print("prepared for this emulator already")  # noqa: T201 - what came of this run
        return
    demo = ["sidecar", "demo", "--prepare", str(PREPARED), "--endpoint-url", EMULATOR]
    subprocess.run([*demo, *sys.argv[1:]], check=True)  # noqa: S603 - compose's own arguments
    hand_out(PREPARED, HANDED_OUT, life)


def life_of(emulator_url: str) -> str:
    """Tell this life of the emulator from the others, by its administrator's key."""
    with DIRECTLY.open(f"{emulator_url}/_emulator/admin", timeout=5) as answer:
        return str(json.load(answer)["AccessKeyId"])


def is_prepared(prepared: Path, life: str) -> bool:
    """Whether an earlier run came to its end in the same life of the emulator."""
    mark = prepared / PREPARED_FOR
    return mark.is_file() and mark.read_text() == life


def hand_out(prepared: Path, handed_out: Path, life: str) -> None:
    """Give the app its token, then say for which life of the emulator all is prepared.

    Both are replaced in one step: a running app reads the old token or the new one, never a part,
    and a symlink that it put in the place of its token is not followed.
    """
    write_atomically(handed_out / "token", (prepared / "token").read_bytes())
    write_atomically(prepared / PREPARED_FOR, life.encode())


if __name__ == "__main__":
    main()
