"""A role's credentials, lent to whoever asks AWS with them, and doubted when AWS knows them not."""

from collections.abc import Iterator
from contextlib import contextmanager

from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError
from sidecar.providers.refreshing import RefreshingRole


@contextmanager
def lent(role: RefreshingRole) -> Iterator[Credentials]:
    """Lend a role's credentials for as long as the block lasts.

    What is raised in the block must be about these, and not about other credentials.

    Raises:
        NotReady: the role has none.

    """
    credentials = role.current()
    try:
        yield credentials
    except UpstreamError as exc:
        if exc.code in CREDENTIALS_REFUSED:
            role.doubt(credentials)
        raise
