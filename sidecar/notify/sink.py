"""What brings a notice somewhere, and one attempt of it, whatever that does."""

import asyncio
import logging
import traceback
from typing import Final, Protocol

from sidecar.errors import SidecarError, UpstreamTimeout
from sidecar.notice import Notice

log = logging.getLogger(__name__)

# Sinks have timeouts of their own, and shorter ones; this one is for what they do not think of.
LONGEST_ATTEMPT_SECONDS: Final = 30.0


class Sink(Protocol):
    """Brings one notice somewhere."""

    async def send(self, notice: Notice) -> None:
        """Send it once.

        Raises:
            SidecarError: it did not arrive; whether to try again, and when, the error says.

        """
        ...


async def attempt(name: str, sink: Sink, notice: Notice) -> SidecarError | None:
    """Send a notice once, and say why it did not arrive; None: it did.

    Args:
        name: the sink, as the configuration names it.
        sink: where it goes.
        notice: what is sent.

    """
    try:
        async with asyncio.timeout(LONGEST_ATTEMPT_SECONDS):
            await sink.send(notice)
    except SidecarError as exc:
        return exc
    except TimeoutError:
        return UpstreamTimeout("it did not answer in time")
    except Exception as exc:  # noqa: BLE001 - a bug in one sink must not end the others, or us
        return _unexpected(name, exc)
    return None


def _unexpected(name: str, exc: Exception) -> SidecarError:
    """Log where it was, but not its words: nobody knows whether they quote an address."""
    where = "".join(traceback.format_tb(exc.__traceback__))
    log.error("notify %s: unexpected %s\n%s", name, type(exc).__name__, where)
    return SidecarError(f"unexpected {type(exc).__name__}; see the log")
