"""What brings the events of IAM, which one region alone has, to the region of a stack."""

import json
from typing import Final

from sidecar.errors import ConfigError, Problem
from sidecar.provision.cloudformation import written
from sidecar.provision.events_part import key_pattern
from sidecar.provision.naming import ACCOUNT, KEY_EVENTS_POLICY, PARTITION, REGION, arn, named
from sidecar.provision.policy_text import allow, document, from_service
from sidecar.provision.resource import Attribute, Parameter, Resource, Text, Value
from sidecar.provision.wish import Wish

_DESCRIPTION: Final = (
    "Sends the events of a user's access keys on to the credential sidecar's region"
)
_RULE: Final = "keys-onward"
# EventBridge gives what concerns an account to this bus.
_BUS: Final = Text(
    ("arn:", PARTITION, ":events:", Parameter("HomeRegion"), ":", ACCOUNT, ":event-bus/default")
)


def render(wish: Wish) -> str:
    """Write a template for the region that has IAM's events.

    Raises:
        ConfigError: the wish has no key to tell of, or nobody to tell.

    """
    if wish.rotation is None or wish.events is None:
        what = "has no rotated key, or nobody is told of it"
        raise ConfigError([Problem("events", what, "give --rotate-user and --events")])
    values = {"Name": wish.name, "UserName": wish.rotation.user_name, "HomeRegion": ""}
    template = written(_DESCRIPTION, key_event_resources(), values)
    return json.dumps(template, indent=2) + "\n"


def key_event_resources() -> tuple[Resource, ...]:
    """Give them: a rule, and a role with which EventBridge may send on what it matches.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html
    """
    this_rule: Value = {
        "ArnEquals": {"aws:SourceArn": arn("events", "rule/", *named(_RULE).pieces)},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }
    policy = document(allow(("events:PutEvents",), _BUS))
    role = Resource(
        "KeyEventsRole",
        "AWS::IAM::Role",
        {
            "RoleName": named("key-events"),
            "AssumeRolePolicyDocument": document(
                from_service("events", ("sts:AssumeRole",), Condition=this_rule)
            ),
            "Policies": [{"PolicyName": KEY_EVENTS_POLICY, "PolicyDocument": policy}],
        },
    )
    rule = Resource(
        "KeyEventsRule",
        "AWS::Events::Rule",
        {
            "Name": named(_RULE),
            "State": "ENABLED",
            # What was sent here by such a rule elsewhere is not sent on for ever.
            "EventPattern": key_pattern() | {"region": [REGION]},
            "Targets": [
                {"Id": "home", "Arn": _BUS, "RoleArn": Attribute("KeyEventsRole", "Arn")},
            ],
        },
    )
    return role, rule
