"""How sinks of notices get at AWS: with the sessions and the cache that serve everything else."""

from functools import partial

from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.errors import OperatorError
from sidecar.notify.aws_sinks import Ask
from sidecar.notify.secret_text import checked_remote_url
from sidecar.notify_graph import Reach
from sidecar.redaction import Secret
from sidecar.secret_graph import SecretGraph


def reach_of(secrets: SecretGraph) -> Reach:
    """Give the way that leads through the readers of secrets.

    Args:
        secrets: the caches, and who reads with whose credentials.

    """

    def asking(role: str) -> Ask:
        return partial(secrets.readers.read, secrets.reader_of(role))

    async def secret(role: str, secret_id: str) -> Secret:
        held = await secrets.secrets.get(secrets.reader_of(role), SecretQuery(secret_id))
        # Whoever may write the secret must not have this machine's own ports posted to.
        return checked_remote_url(_text(held.value, secret_id))

    return Reach(asking, secret)


def _text(value: SecretValue, secret_id: str) -> Secret:
    if value.text is None:
        raise OperatorError(f"secret {secret_id} is binary", hint="store the URL as its text")
    return Secret(value.text.reveal().strip())
