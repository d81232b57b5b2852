"""Lambda's Invoke of a function that was deployed here, which moto leaves to Docker."""

import json
from typing import Any, Final
from uuid import uuid4

from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError, Response
from sidecar.emulator.request import Request
from sidecar.emulator.resources import touched_arns
from sidecar.emulator.rotation.deployed import Deployed, FunctionFailed

# Lambda's limit of a synchronous payload (Lambda developer guide, "Lambda quotas").
_MOST_BYTES: Final = 6 * 1024 * 1024
_JSON: Final = {"Content-Type": "application/json"}


def invoke_function(request: Request, caller: Caller, deployed: Deployed) -> Response:
    """Run a function and answer with what it returned, as Lambda's API reference has it.

    ``RequestResponse`` and ``DryRun`` are served; ``Event``, logs and qualifiers are not.

    Args:
        request: the call.
        caller: who calls, and may do so.
        deployed: the functions.

    Raises:
        AwsError: no such function, a payload that is no JSON, or a type that is not served.

    """
    [arn] = touched_arns(caller.touch)
    kind = request.header("X-Amz-Invocation-Type") or "RequestResponse"
    if kind not in ("RequestResponse", "DryRun"):
        detail = f"the emulator does not serve InvocationType {kind}"
        raise AwsError(400, "InvalidParameterValueException", detail)
    if not deployed.knows(arn):
        raise AwsError(404, "ResourceNotFoundException", f"Function not found: {arn}")
    event = _payload(request.body)
    if kind == "DryRun":
        return Response(204)
    try:
        result = deployed.invoke(arn, event, str(uuid4()))
    except FunctionFailed as failed:
        return _failed(str(failed))
    return Response(200, result, {**_JSON, "X-Amz-Executed-Version": "$LATEST"})


def _payload(body: bytes) -> Any:
    if len(body) > _MOST_BYTES:
        raise AwsError(413, "RequestTooLargeException", "the payload is over 6 MB")
    try:
        return json.loads(body) if body else {}
    except ValueError:
        detail = "Could not parse request body into json"
        raise AwsError(400, "InvalidRequestContentException", detail) from None


def _failed(said: str) -> Response:
    """Tell that the function raised: 200 with a header, as Lambda does."""
    last = said.strip().splitlines()[-1] if said.strip() else "the function ended"
    kind, _, message = last.partition(": ")
    body = json.dumps({"errorMessage": message or last, "errorType": kind.rsplit(".", 1)[-1]})
    headers = {**_JSON, "X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": "$LATEST"}
    return Response(200, body.encode(), headers)
