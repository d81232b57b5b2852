"""Lambda: functions with their code, and who may invoke them."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from sidecar.errors import OperatorError, UpstreamRefused
from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Properties, Wanted

_SERVICE: Final = "lambda"
_ABSENT: Final = "ResourceNotFoundException"
# A role that was made a moment ago cannot be assumed yet; one change after the other is applied.
_LAGGING: Final = (
    ("InvalidParameterValueException", "cannot be assumed by Lambda"),
    ("ResourceConflictException", ""),
)
_CODE: Final = "Code"
_CONFIGURATION: Final = (
    "FunctionName",
    "Runtime",
    "Role",
    "Handler",
    "Timeout",
    "MemorySize",
    "Environment",
)


def _find_function(account: Account, wanted: Wanted) -> Found | None:
    name = wanted.properties["FunctionName"]
    held = account.find(_ABSENT, _SERVICE, "get_function", FunctionName=name)
    if held is None:
        return None
    configuration = held["Configuration"]
    arn = configuration["FunctionArn"]
    properties = {**configuration, _CODE: {"Sha256": configuration.get("CodeSha256", "")}}
    return Found(name, {"Arn": arn}, properties, account.owns(_tags(name, held)))


def _tags(name: str, held: Mapping[str, Any]) -> Mapping[str, str]:
    """Give a function's tags, which AWS leaves out for who may not list them.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
    """
    if (problem := held.get("TagsError")) is not None:
        raise UpstreamRefused(
            f"the tags of function {name} cannot be read: {problem.get('Message', '')}",
            hint="allow lambda:ListTags",
            status=403,
            code=problem.get("ErrorCode", ""),
        )
    tags: Mapping[str, str] = held.get("Tags", {})
    return tags


def _with_code(account: Account, properties: Properties) -> Properties:
    """Put the hash of the code that is given in the place of the code (``CodeSha256``)."""
    rest = {name: value for name, value in properties.items() if name != _CODE}
    if account.function_zip is None:
        return rest
    hashed = base64.b64encode(hashlib.sha256(account.function_zip).digest()).decode()
    return {**rest, _CODE: {"Sha256": hashed}}


def _check_code(account: Account, wanted: Wanted) -> None:
    if account.function_zip is None:
        raise OperatorError(
            f"there is no code for the function {wanted.properties['FunctionName']}",
            hint="give it as --function-zip",
        )


def _create_function(account: Account, wanted: Wanted) -> None:
    _check_code(account, wanted)
    account.patiently(
        _LAGGING,
        _SERVICE,
        "create_function",
        Code={"ZipFile": account.function_zip},
        Tags={each["Key"]: each["Value"] for each in account.tags()},
        **_given(wanted, *_CONFIGURATION),
    )


def _update_function(
    account: Account, wanted: Wanted, found: Found, changed: frozenset[str]
) -> None:
    if changed & {*_CONFIGURATION}:
        members = _given(wanted, *_CONFIGURATION)
        account.patiently(_LAGGING, _SERVICE, "update_function_configuration", **members)
    if _CODE in changed and account.function_zip is not None:
        account.patiently(
            _LAGGING,
            _SERVICE,
            "update_function_code",
            FunctionName=found.ref,
            ZipFile=account.function_zip,
        )


def _given(wanted: Wanted, *names: str) -> dict[str, Any]:
    return {name: wanted.properties[name] for name in names if name in wanted.properties}


def _delete_function(account: Account, found: Found) -> None:
    account.find(_ABSENT, _SERVICE, "delete_function", FunctionName=found.ref)


def _find_permission(account: Account, wanted: Wanted) -> Found | None:
    function = wanted.properties["FunctionName"]
    held = account.find(_ABSENT, _SERVICE, "get_policy", FunctionName=function)
    statements = [] if held is None else json.loads(held["Policy"])["Statement"]
    for each in statements:
        if each.get("Sid") == wanted.logical_id:
            return Found(wanted.logical_id, {}, {"FunctionName": function, **_as_asked(each)})
    return None


def _as_asked(statement: Any) -> dict[str, Any]:
    """Give the properties that a statement of a function's policy was made of."""
    conditions = {
        name.lower(): value
        for operands in statement.get("Condition", {}).values()
        for name, value in operands.items()
    }
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        principal = principal.get("Service", principal.get("AWS"))
    return {
        "Action": statement["Action"],
        "Principal": principal,
        "SourceAccount": conditions.get("aws:sourceaccount"),
        "SourceArn": conditions.get("aws:sourcearn"),
    }


def _add_permission(account: Account, wanted: Wanted) -> None:
    account.ask(
        _SERVICE,
        "add_permission",
        StatementId=wanted.logical_id,
        **_given(wanted, "FunctionName", "Action", "Principal", "SourceAccount", "SourceArn"),
    )


def _replace_permission(account: Account, wanted: Wanted, found: Found, _: object) -> None:
    _remove_permission(account, found)
    _add_permission(account, wanted)


def _remove_permission(account: Account, found: Found) -> None:
    account.find(
        _ABSENT,
        _SERVICE,
        "remove_permission",
        FunctionName=found.properties["FunctionName"],
        StatementId=found.ref,
    )


KINDS: Final = {
    "AWS::Lambda::Function": Kind(
        "FunctionName",
        _find_function,
        _create_function,
        _update_function,
        _delete_function,
        described=_with_code,
        check=_check_code,
        exact=frozenset({"Environment"}),
    ),
    "AWS::Lambda::Permission": Kind(
        "",
        _find_permission,
        _add_permission,
        _replace_permission,
        _remove_permission,
        needs=("FunctionName",),
    ),
}
