"""A signal while AWS hangs: the process ends before a container engine would kill it."""

import asyncio
from typing import TYPE_CHECKING

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.service.conftest import ServeHere, Until

# Docker sends SIGKILL ten seconds after SIGTERM.
GRACE_SECONDS = 9.0


async def test_a_call_that_hangs_does_not_keep_a_stopped_sidecar_alive(
    aws: "Aws", serve_here: "ServeHere", until: "Until"
) -> None:
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", hang=True))
    with serve_here() as served:
        asking = asyncio.create_task(served.doors.secret("demo/hanging"))

        async def under_way() -> bool:
            return "secretsmanager.GetSecretValue" in aws.emulator.calls()

        await until(under_way)
        served.process.process.terminate()
        ended = await asyncio.to_thread(served.process.process.wait, GRACE_SECONDS)
        assert ended == 0
        await asyncio.gather(asking, return_exceptions=True)
    assert "Traceback" not in served.process.log.read_text()
