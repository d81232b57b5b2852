"""A template's values as they are once AWS has made everything."""

import re
from typing import Any, Final

from tests.provision.wishes import Template

ACCOUNT: Final = "123456789012"
USER: Final = f"arn:aws:iam::{ACCOUNT}:user/batch-user"
SECRET: Final = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:legacy/batch-user-AbCdEf"
ANCHOR: Final = f"arn:aws:rolesanywhere:eu-central-1:{ACCOUNT}:trust-anchor/1"
_KNOWN: Final = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "RotatedSecret": SECRET,
    "RotatedUser.Arn": USER,
    "TrustAnchor.TrustAnchorArn": ANCHOR,
}


def resolved(template: Template, value: Any) -> Any:
    """Put values in the place of references; what has no known one gets an ARN of its own."""
    if isinstance(value, list):
        return [resolved(template, each) for each in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return _named(template, value["Ref"])
    if "Fn::GetAtt" in value:
        return _named(template, ".".join(value["Fn::GetAtt"]))
    if "Fn::Sub" in value:
        return re.sub(
            r"\$\{([^!}]+)\}", lambda found: _named(template, found[1]), value["Fn::Sub"]
        ).replace("${!", "${")
    return {name: resolved(template, each) for name, each in value.items()}


def _named(template: Template, name: str) -> str:
    if name in template["Parameters"]:
        return str(template["Parameters"][name]["Default"])
    return _KNOWN.get(name, f"arn:aws:made:eu-central-1:{ACCOUNT}:{name.split('.', maxsplit=1)[0]}")
