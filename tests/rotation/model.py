"""A small AWS in memory: one secret, one user, slow keys, and processes that die at any call.

It is written from AWS's documentation and knows nothing of the code under test but the names of the
calls. After each call it checks what must hold at every moment.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from sidecar.access_key_secret import AccessKeySecret
from sidecar.errors import UpstreamRefused
from sidecar.redaction import Secret
from sidecar.rotation.calls import NewKey
from sidecar.rotation.seen import LastUse, SecretFacts, StoredKey, UserKey

_Result = TypeVar("_Result")
ARN: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:batch-AbCdEf"
USER: Final = "batch"
MOST_KEYS: Final = 2
SIGNATURE: Final = timedelta(minutes=5)
GRACE: Final = timedelta(hours=24)


class Died(BaseException):
    """The process was killed; nothing in it runs any more."""


class Broken(AssertionError):
    """Something that must hold at every moment did not."""


@dataclass
class Key:
    secret: str
    created_at: datetime
    active: bool = True
    used: LastUse = field(default_factory=lambda: LastUse(None))


@dataclass
class Version:
    created_at: datetime
    text: str | None = None


@dataclass
class Aws:
    """The state; `calls` gives a process's way to it."""

    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    delay: timedelta = timedelta(seconds=10)
    keys: dict[str, Key] = field(default_factory=dict)
    gone: dict[str, Key] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    rotation_enabled: bool = True
    last_rotated: datetime | None = None
    made: int = 0
    # AWS's pages say that moving AWSCURRENT takes AWSPENDING off, and people see that it stays.
    drops_pending: bool = False
    # IAM tells of a use hours late.
    use_lag: timedelta = timedelta(hours=4)
    last_current: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "Aws":
        """Give a secret that names a user who has no key yet."""
        aws = cls()
        aws.versions["v" * 32] = Version(aws.now, json.dumps({"user_name": USER}))
        aws.labels["AWSCURRENT"] = "v" * 32
        aws.pass_(days=1)
        return aws

    @classmethod
    def with_key(cls) -> "Aws":
        """Give a secret whose current version names the user's only key."""
        aws = cls.empty()
        aws.store("w" * 32, aws.new_key(), "AWSCURRENT")
        aws.pass_(days=1)
        return aws

    @classmethod
    def with_two_keys(cls) -> "Aws":
        """Give a secret after its first rotation: the previous key is still there."""
        aws = cls.with_key()
        aws.store("x" * 32, aws.new_key(), "AWSCURRENT")
        aws.pass_(days=30)
        return aws

    def new_key(self) -> str:
        """Create a key."""
        self.made += 1
        key = f"AKIAMADEUP{self.made:010d}"
        self.keys[key] = Key(f"made/up/secret/{self.made:025d}", self.now)
        return key

    def store(self, token: str, key: str, label: str) -> None:
        """Store a key in a new version."""
        members = {"user_name": USER, "aws_access_key_id": key}
        text = json.dumps(members | {"aws_secret_access_key": self.keys[key].secret})
        self.versions[token] = Version(self.now, text)
        self.attach(label, token)

    def attach(self, label: str, version: str) -> None:
        """Move a label; AWSPREVIOUS follows AWSCURRENT by itself."""
        if label == "AWSCURRENT" and self.labels.get(label) not in (None, version):
            self.labels["AWSPREVIOUS"] = self.labels[label]
            if self.drops_pending and self.labels.get("AWSPENDING") == version:
                del self.labels["AWSPENDING"]
        self.labels[label] = version

    def named_by(self, label: str) -> str | None:
        """Tell which key a label's version names."""
        version = self.versions.get(self.labels.get(label, ""))
        found: str | None = (
            json.loads(version.text or "{}").get("aws_access_key_id") if version else None
        )
        return found

    def pass_(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def check(self) -> None:
        """Check what must hold at every moment."""
        current = self.named_by("AWSCURRENT")
        if current is not None and not (current in self.keys and self.keys[current].active):
            raise Broken(f"AWSCURRENT names {current}, which is dead")
        if len(self.keys) > MOST_KEYS:
            raise Broken("more than two keys")
        if current is not None:
            self.last_current[current] = self.now

    def check_out_of_use(self, key: str) -> None:
        """Check that no cache and no application can hold a key that is taken away."""
        if self.now < self.last_current.get(key, datetime.min.replace(tzinfo=UTC)) + GRACE:
            raise Broken(f"{key} was current within its grace")

    def works(self, key: str, secret: str) -> bool:
        """Tell whether a key is let in at this moment; a new one works late, an old one longer."""
        if key in self.gone:
            return self.now < self.gone[key].created_at + self.delay / 3
        found = self.keys.get(key)
        return (
            found is not None
            and found.secret == secret
            and found.active
            and self.now >= found.created_at + self.delay
        )


@dataclass
class Process:
    """One process's calls; it dies before or after those calls that `deaths` names.

    Args:
        aws: the AWS.
        deaths: numbers of calls, counted over all processes of a scenario, with "before" or
            "after".
        counter: the count.
        at: what happens instead of a death: called with each number before the call.

    """

    aws: Aws
    deaths: Mapping[int, str] = field(default_factory=dict)
    counter: list[int] = field(default_factory=lambda: [0])
    at: Callable[[int], None] = lambda _: None
    log: list[str] = field(default_factory=list)

    def _call(self, name: str, work: Callable[[], _Result]) -> _Result:
        number, signed_at = self.counter[0], self.aws.now
        self.counter[0] += 1
        self.at(number)
        self.log.append(name)
        if self.deaths.get(number) == "before":
            raise Died(f"before {name}")
        self.aws.pass_(seconds=0.1)
        if name in ("set_active", "delete_key") and self.aws.now > signed_at + SIGNATURE:
            # Other calls are made again with a new signature; these are not.
            raise UpstreamRefused("signature expired", code="SignatureDoesNotMatch", status=403)
        try:
            return work()
        finally:
            self.aws.check()
            if self.deaths.get(number) == "after":
                raise Died(f"after {name}")

    def describe(self, secret: str) -> SecretFacts:
        return self._call("describe", self._describe)

    def _describe(self) -> SecretFacts:
        labels: dict[str, tuple[str, ...]] = {}
        for label, version in self.aws.labels.items():
            labels[version] = (*labels.get(version, ()), label)
        return SecretFacts(
            ARN, self.aws.rotation_enabled, labels, self.aws.last_rotated, dict(self.aws.tags)
        )

    def value(self, secret: str, *, stage: str, version_id: str | None = None) -> StoredKey | None:
        return self._call("value", lambda: self._value(stage, version_id))

    def _value(self, stage: str, version_id: str | None) -> StoredKey | None:
        held = self.aws.labels.get(stage)
        version = self.aws.versions.get(held or "")
        if (
            held is None
            or version is None
            or version.text is None
            or version_id not in (None, held)
        ):
            return None
        return StoredKey(held, AccessKeySecret.parse(Secret(version.text)), version.created_at)

    def text(
        self, secret: str, *, stage: str | None = None, version_id: str | None = None
    ) -> tuple[str, str, datetime] | None:
        def read() -> tuple[str, str, datetime] | None:
            held = version_id or self.aws.labels.get(stage or "")
            version = self.aws.versions.get(held or "")
            if held is None or version is None or version.text is None:
                return None
            return held, version.text, version.created_at

        return self._call("text", read)

    def put(self, secret: str, token: str, content: Secret, stages: tuple[str, ...]) -> None:
        self._call("put", lambda: self._put(token, content.reveal(), stages))

    def _put(self, token: str, text: str, stages: tuple[str, ...]) -> None:
        version = self.aws.versions.setdefault(token, Version(self.aws.now))
        if version.text not in (None, text):
            raise UpstreamRefused("written once", code="ResourceExistsException", status=400)
        version.text = text
        if "AWSCURRENT" not in self.aws.labels:  # so it is with a secret's first value
            stages = (*stages, "AWSCURRENT")
        for stage in stages:
            self.aws.attach(stage, token)

    def move_label(
        self, secret: str, label: str, *, to: str | None, taken_from: str | None
    ) -> None:
        self._call(f"move {label}", lambda: self._move(label, to, taken_from))

    def _move(self, label: str, to: str | None, taken_from: str | None) -> None:
        if self.aws.labels.get(label) != taken_from:
            raise UpstreamRefused("it is elsewhere", code="InvalidParameterException", status=400)
        if to is None:
            del self.aws.labels[label]
        else:
            self.aws.attach(label, to)

    def tag(self, secret: str, key: str, value: str) -> None:
        self._call("tag", lambda: self.aws.tags.update({key: value}))

    def keys(self, user_name: str) -> tuple[UserKey, ...]:
        return self._call(
            "keys",
            lambda: tuple(UserKey(k, v.active, v.created_at) for k, v in self.aws.keys.items()),
        )

    def last_use(self, access_key_id: str) -> LastUse:
        return self._call("last_use", lambda: self._last_use(access_key_id))

    def _last_use(self, access_key_id: str) -> LastUse:
        key = self._key(access_key_id)
        told_until = self.aws.now - self.aws.use_lag
        if key.used.at is None or told_until < key.created_at:
            return LastUse(None)
        return LastUse(min(key.used.at, told_until), key.used.service)

    def create_key(self, user_name: str) -> NewKey:
        return self._call("create_key", self._create)

    def _create(self) -> NewKey:
        if len(self.aws.keys) >= MOST_KEYS:
            raise UpstreamRefused("two keys", code="LimitExceeded", status=409)
        key = self.aws.new_key()
        return NewKey(key, Secret(self.aws.keys[key].secret))

    def set_active(self, user_name: str, access_key_id: str, *, active: bool) -> None:
        def change() -> None:
            if not active:
                self.aws.check_out_of_use(access_key_id)
            self._key(access_key_id).active = active

        self._call("set_active", change)

    def delete_key(self, user_name: str, access_key_id: str) -> None:
        self._call("delete_key", lambda: self._delete(access_key_id))

    def _delete(self, access_key_id: str) -> None:
        self.aws.check_out_of_use(access_key_id)
        key = self.aws.keys.pop(access_key_id, None)
        if key is not None:
            key.created_at = self.aws.now
            self.aws.gone[access_key_id] = key

    def user_of(self, access_key_id: str, secret_access_key: Secret) -> str:
        return self._call("user_of", lambda: self._who(access_key_id, secret_access_key.reveal()))

    def _who(self, access_key_id: str, secret: str) -> str:
        if not self.aws.works(access_key_id, secret):
            raise UpstreamRefused("unknown key", code="InvalidClientTokenId", status=403)
        if access_key_id in self.aws.keys:
            self.aws.keys[access_key_id].used = LastUse(self.aws.now, "sts")
        return f"arn:aws:iam::123456789012:user/{USER}"

    def _key(self, access_key_id: str) -> Key:
        if access_key_id not in self.aws.keys:
            raise UpstreamRefused("no such key", code="NoSuchEntity", status=404)
        return self.aws.keys[access_key_id]
