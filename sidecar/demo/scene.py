"""The scene of the demo: AWS on one local port, everything made in it, and a sidecar beside it."""

import json
import os
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
from cryptography import x509

from sidecar.demo.administrator import administrator
from sidecar.demo.application_data import (
    BATCH_POLICY,
    DATABASE,
    FUNCTION,
    MODELS,
    ApplicationData,
    put_application_data,
)
from sidecar.demo.own_environment import own_environment
from sidecar.demo.process import Daemon, daemon, run_program
from sidecar.demo.receiver import Receiver, receiving
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

Say = Callable[[str], None]

BATCH_USER: Final = "demo-batch"
BATCH_SECRET: Final = "demo/batch"  # noqa: S105 - a name

_QUEUE: Final = "demo-changes"
_WAITING: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

_READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
# What the demo adds to the configuration that `provision apply` writes: a chat that is told.
_CHAT: Final = """
[notify.chat]
type = "slack"
url_env = "CHAT_URL"
kinds = ["secret-changed"]
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that runs while the programs do."""

    root: Path
    emulator_url: str
    administrator: boto3.session.Session
    doors: Mapping[str, str]
    data: ApplicationData
    chat: Receiver

    @property
    def home(self) -> Path:
        """An empty directory: keys in a real one would win over the sidecar."""
        return self.root / "home"

    @property
    def region(self) -> str:
        """Where it all is."""
        return str(self.administrator.region_name)

    def token_file(self, app: str) -> Path:
        """Where the sidecar has written an application's token."""
        return self.root / app / "token"

    def token(self, app: str) -> Secret:
        """Read an application's token."""
        return Secret(self.token_file(app).read_text())

    def environment(self, app: str = "app") -> dict[str, str]:
        """Give what an application gets: one URI, one token, a region and the emulator."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.doors['credentials']}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self.token_file(app)),
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.emulator_url,
            "HOME": str(self.home),
        }

    def roles_anywhere(self) -> dict[str, str]:
        """Give what a session is asked with, as `provision apply` has written it."""
        config = tomllib.loads((self.root / "sidecar.toml").read_text())
        found: dict[str, str] = config["roles"]["default"]
        return found

    def session_name(self) -> str:
        """Give the name that Roles Anywhere gives a session: the certificate's serial in hex."""
        certificate = (self.root / "workload.pem").read_bytes()
        return f"{x509.load_pem_x509_certificate(certificate).serial_number:x}"

    def client(self, service: Any) -> Any:
        """Give a client that asks as the account's administrator."""
        return self.administrator.client(service, endpoint_url=self.emulator_url)

    def provision(self, *words: str) -> tuple[int, str, str]:
        """Run `sidecar provision apply` for what the demo wants."""
        wish = [*_wish(self.root), "--kms-key", self.data.key_arn]
        return run_program(["-m", "sidecar", *wish, *words], self._administrating())

    def _administrating(self) -> dict[str, str]:
        credentials = self.administrator.get_credentials()
        if credentials is None:
            raise OperatorError("the emulator has no administrator")
        return {
            **os.environ,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.emulator_url,
        }


@contextmanager
def staged(root: Path, say: Say) -> Iterator[Scene]:
    """Start AWS, make everything in it, and start a sidecar; it all ends with the block.

    Raises:
        OperatorError: something did not start, or could not be made.

    """
    (root / "home").mkdir()
    with own_environment(root / "home"), ExitStack() as stack:
        emulator = _started(stack, root, ["emulator", "--port", "0"], {})
        emulator_url = emulator.line_with("listening on").rsplit(" ", 1)[-1]
        say(f"• AWS on one local port: {emulator_url}")
        session = administrator(emulator_url)
        data = put_application_data(session, emulator_url)
        chat = stack.enter_context(receiving())
        doors: dict[str, str] = {}
        scene = Scene(root, emulator_url, session, doors, data, chat)
        _provisioned(scene, say)
        free = {f"SIDECAR_DOORS_{name}": "127.0.0.1:0" for name in _DOORS}
        words = ["serve", "--config", str(root / "sidecar.toml")]
        serve = _started(stack, root, words, {**free, "CHAT_URL": chat.url})
        for name in _DOORS:
            marker = f"({name.lower()})"
            doors[name.lower()] = serve.line_with(marker).split()[2]
        _wait_until(lambda: _is_ready(doors["admin"]), "the sidecar is not ready")
        _wait_until(lambda: _first_key_is_known(scene), "the first rotation came to no end")
        say(f"• sidecar serve: credentials on {doors['credentials']},")
        say(f"  secrets on {doors['secrets']} and {doors['aws_api']}")
        say("")
        yield scene


_DOORS: Final = ("CREDENTIALS", "SECRETS", "AWS_API", "ADMIN")


def _started(stack: ExitStack, root: Path, words: list[str], more: Mapping[str, str]) -> Daemon:
    environment = {**os.environ, **more}
    return stack.enter_context(daemon(words, environment, root / f"{words[0]}.log"))


def _wish(root: Path) -> list[str]:
    """Give the words of `provision apply` that say what is to exist."""
    words = ["provision", "apply", "--name", "demo", "--directory", str(root)]
    words += ["--ca-bundle", str(root / "ca/ca.pem"), "--issue-from", str(root / "ca")]
    words += ["--common-name", "web-1", "--secret", DATABASE, "--list-buckets"]
    words += ["--bucket", MODELS, "--function", FUNCTION]
    words += ["--rotate-user", BATCH_USER, "--rotate-secret", BATCH_SECRET]
    words += ["--user-policy", str(root / "batch-policy.json"), "--events"]
    return words


def _provisioned(scene: Scene, say: Say) -> None:
    """Make both halves in AWS, and the files of this machine."""
    root = scene.root
    (root / "batch-policy.json").write_text(json.dumps(BATCH_POLICY))
    authority = ["certs", "ca", "--directory", str(root / "ca"), "--common-name", "Demo CA"]
    code, _, err = run_program(["-m", "sidecar", *authority], os.environ)
    if code:
        raise OperatorError(f"the authority could not be made: {err}")
    code, out, err = scene.provision()
    if code:
        raise OperatorError(f"provision apply failed: {err}")
    made = next(line for line in out.splitlines() if " made, " in line)
    say(f"• sidecar provision apply: {made}: trust anchor, profile and role;")
    say("  a user, its secret, the function that rotates its key, schedule; trail, rules,")
    say("  topic, queue; and for this machine a certificate and sidecar.toml")
    config = root / "sidecar.toml"
    config.write_text(f"{config.read_text()}\n{_CHAT}")


def _wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not condition():
        if time.monotonic() >= deadline:
            raise OperatorError(f"{otherwise} after {_READY_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _is_ready(admin_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{admin_url}/readyz", timeout=2):  # noqa: S310 - loopback
            return True
    except urllib.error.HTTPError as exc:
        exc.close()
    except OSError:
        pass
    return False


def _first_key_is_known(scene: Scene) -> bool:
    """Whether the rotation that `provision apply` began is over, and the sidecar has heard of it.

    What is told of it later would look like an answer to a step of the demo.
    """
    described = scene.client("secretsmanager").describe_secret(SecretId=BATCH_SECRET)
    if "LastRotatedDate" not in described:
        return False
    queue = scene.client("sqs")
    url = queue.get_queue_url(QueueName=_QUEUE)["QueueUrl"]
    counts = queue.get_queue_attributes(QueueUrl=url, AttributeNames=_WAITING)["Attributes"]
    return not any(int(counts[name]) for name in _WAITING)
