#!/usr/bin/env python3
"""Set the demo's stage at the emulator, once in the emulator's life, and hand the app its token.

Compose runs this one-shot at every `up`, but the emulator forgets everything only when it starts
anew. Its administrator's key tells one life from the next. Arguments go to `sidecar demo`.
"""

import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

PREPARED = Path("/var/lib/sidecar")  # the sidecar's: certificate, key, token, configuration
HANDED_OUT = Path("/run/sidecar")  # the app's: its token, and nothing else
PREPARED_FOR = PREPARED / "prepared-for"


def main() -> None:
    """Prepare what is not prepared yet."""
    with urllib.request.urlopen("http://emulator:4566/_emulator/admin", timeout=5) as answer:
        life = json.load(answer)["AccessKeyId"]
    if PREPARED_FOR.is_file() and PREPARED_FOR.read_text() == life:
        print("prepared for this emulator already")  # noqa: T201 - what came of this run
        return
    demo = ["sidecar", "demo", "--prepare", str(PREPARED), "--endpoint-url", "http://emulator:4566"]
    subprocess.run([*demo, *sys.argv[1:]], check=True)  # noqa: S603 - compose's own arguments
    shutil.copy(PREPARED / "token", HANDED_OUT / "token")
    PREPARED_FOR.write_text(life)


if __name__ == "__main__":
    main()
