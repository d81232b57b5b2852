"""Wishes by their switches: every combination, and few that hold every pair."""

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sidecar.provision.wish import (
    Chat,
    Events,
    OwnAuthority,
    PrivateAuthority,
    Reach,
    Rotation,
    Sessions,
    Wish,
)

Switches: TypeAlias = Mapping[str, object]

BUNDLE: Final = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
REVOKED: Final = "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"
# Longer than a parameter may be.
LONG: Final = BUNDLE * 100
USER_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}
ROTATION: Final = Rotation(user_name="batch-user", secret_name="legacy/batch-user")
CHAT: Final = Chat(workspace_id="T0123456789", channel_id="C0123456789")
REACH: Final = Reach(
    secrets=("prod/web/*", "prod/one"),
    list_buckets=True,
    buckets=("demo-reports",),
    kms_keys=("arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555",),
    functions=("model",),
)

SWITCHES: Final[Mapping[str, Sequence[object]]] = {
    "authority": ("own", "private"),
    "revoked": (False, True),
    "sessions": ("plain", "own", "full"),
    "rotation": ("none", "plain", "full"),
    "events": (False, True),
    "trail": (False, True),
    "queue": (False, True),
    "chat": (False, True),
    "alarms": (False, True),
}


def every_combination() -> Iterator[Switches]:
    """Give all that differ: without events none of their switches says anything."""
    for values in itertools.product(*SWITCHES.values()):
        switches = dict(zip(SWITCHES, values, strict=True))
        if switches["events"] or not any(switches[each] for each in _OF_EVENTS):
            yield switches


_OF_EVENTS: Final = ("trail", "queue", "chat", "alarms")


def every_pair() -> list[Switches]:
    """Give few combinations in which each two values of two switches meet that can meet."""
    every = list(every_combination())
    missing = set(itertools.chain.from_iterable(map(_pairs, every)))
    chosen: list[Switches] = []
    while missing:
        best = max(every, key=lambda each: len(_pairs(each) & missing))
        chosen.append(best)
        missing -= _pairs(best)
    return chosen


def chosen() -> list[Switches]:
    """Give every combination for `make nightly`, and else enough for every pair."""
    return list(every_combination()) if os.environ.get("EVERY_TEMPLATE") else every_pair()


def called(switches: Switches) -> str:
    """Give a combination's name."""
    return "-".join(map(str, switches.values()))


def _pairs(switches: Switches) -> set[tuple[tuple[str, object], tuple[str, object]]]:
    return set(itertools.combinations(switches.items(), 2))


def wish_of(switches: Switches) -> Wish:
    """Make the wish of a combination."""
    own = switches["authority"] == "own"
    return Wish(
        authority=OwnAuthority(bundle=BUNDLE) if own else PrivateAuthority(),
        revocation_list=REVOKED if switches["revoked"] else None,
        sessions=_SESSIONS[str(switches["sessions"])],
        reach=REACH if switches["sessions"] == "full" else Reach(),
        rotation=_ROTATIONS[str(switches["rotation"])],
        events=_events(switches) if switches["events"] else None,
    )


_SESSIONS: Final = {
    "plain": Sessions(),
    "own": Sessions(policy=json.dumps(USER_POLICY), common_names=("web-1",)),
    "full": Sessions(common_names=("web-1", "web-2"), source_identities=("CN=web-*",)),
}
_ROTATIONS: Final[Mapping[str, Rotation | None]] = {
    "none": None,
    "plain": ROTATION,
    "full": Rotation(
        user_name="batch-user",
        secret_name="legacy/batch-user",
        schedule="cron(0 2 ? * SUN#1 *)",
        duration="3h",
        code_bucket="my-code",
        user_policy=USER_POLICY,
    ),
}


def _events(switches: Switches) -> Events:
    return Events(
        trail=bool(switches["trail"]),
        queue=bool(switches["queue"]),
        alarms=bool(switches["alarms"]),
        chat=CHAT if switches["chat"] else None,
    )


FULL: Final = wish_of({name: values[-1] for name, values in SWITCHES.items()})

Template: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Template], object]
