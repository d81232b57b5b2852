"""Whatever moto sends goes to this machine, and it starts no container that could send more.

moto itself makes requests to wherever it is told to: integrations of API Gateway, HTTP endpoints of
Firehose, subscriptions of SNS, API destinations. All of them go through the one library that is
held back here, whichever of moto's modules uses it and however late that is imported.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from moto.utilities.docker_utilities import DockerModel
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as NotSent

from sidecar.emulator.events.loopback import ELSEWHERE, is_loopback
from sidecar.emulator.moto_patches.replacing import replaced

# One way for all of requests, redirects included.
_SEND: Final = HTTPAdapter.send


@contextmanager
def applied() -> Iterator[None]:
    """Hold back what would leave this machine."""
    with ExitStack() as stack:
        stack.enter_context(replaced(HTTPAdapter, "send", _send))
        # It goes around what replaces `send`.
        stack.enter_context(replaced(DockerModel, "docker_client", property(_no_docker)))
        yield


def _send(self: HTTPAdapter, request: PreparedRequest, **how: Any) -> Response:
    if not is_loopback(request.url or ""):
        raise NotSent(ELSEWHERE, request=request)
    # Proxies are on other machines.
    return _SEND(self, request, **{**how, "proxies": None})


def _no_docker(_: DockerModel) -> None:
    raise NotImplementedError("the emulator starts no containers")
