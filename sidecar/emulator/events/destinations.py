"""API destinations: an HTTP endpoint, and a connection that says how to sign in to it.

Source: EventBridge user guide, "API destinations as targets" and "Connections for HTTP endpoint
targets".
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from moto.events.models import events_backends

from sidecar.arn import Arn
from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.events.loopback import ELSEWHERE, Outgoing, is_loopback
from sidecar.emulator.resources import Touch

_DESTINATIONS: Final = frozenset({"CreateApiDestination", "UpdateApiDestination"})
_HEADERS: Final = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Amazon/EventBridge/ApiDestinations",
}


def check_receiver(touch: Touch) -> None:
    """Refuse a request that would have the emulator send to another machine.

    Raises:
        AwsError: the error with which the service refuses an endpoint that it does not like.
    """
    service, operation = touch.address.service, touch.address.operation
    if service == "events" and operation in _DESTINATIONS:
        endpoint = touch.text("InvocationEndpoint")
        if endpoint and not is_loopback(endpoint):
            message = f"Parameter InvocationEndpoint is not valid. Reason: {ELSEWHERE}."
            raise AwsError(400, "ValidationException", message)
    if service == "sns" and operation == "Subscribe":
        over_http = touch.text("Protocol") in {"http", "https"}
        if over_http and not is_loopback(touch.text("Endpoint")):
            message = f"Invalid parameter: Endpoint Reason: {ELSEWHERE}"
            raise AwsError(400, "InvalidParameter", message)


def request_to(arn: Arn, wishes: Mapping[str, Any], text: str) -> Outgoing | str:
    """Write the request to an API destination, or say why there can be none.

    Args:
        arn: of the destination.
        wishes: the target's HttpParameters.
        text: the input, which is the body.
    """
    backend = events_backends[arn.account][arn.region]
    destinations = list(backend.destinations.values())
    destination = next((each for each in destinations if each.arn == str(arn)), None)
    if destination is None:
        return f"there is no API destination {arn}"
    connections = list(backend.connections.values())
    wanted = destination.connection_arn
    connection = next((each for each in connections if each.arn == wanted), None)
    if connection is None:
        return f"there is no connection {wanted}"
    signed_in = _signing_in(connection.authorization_type, connection.auth_parameters)
    if isinstance(signed_in, str):
        return signed_in
    always = connection.auth_parameters.get("InvocationHttpParameters") or {}
    headers = {**_HEADERS, **(wishes.get("HeaderParameters") or {})}
    headers |= {**_pairs(always, "HeaderParameters"), **signed_in}
    query = {**(wishes.get("QueryStringParameters") or {})}
    query |= _pairs(always, "QueryStringParameters")
    url = destination.invocation_endpoint
    for value in wishes.get("PathParameterValues") or ():
        url = url.replace("*", quote(value, safe=""), 1)
    if query:
        url += f"{'&' if '?' in url else '?'}{urlencode(query)}"
    body = _with_members(text, _pairs(always, "BodyParameters"))
    return Outgoing(destination.http_method, url, headers, body.encode())


def _signing_in(kind: str, parameters: Mapping[str, Any]) -> dict[str, str] | str:
    if kind == "API_KEY":
        key = parameters["ApiKeyAuthParameters"]
        return {key["ApiKeyName"]: key["ApiKeyValue"]}
    if kind == "BASIC":
        basic = parameters["BasicAuthParameters"]
        pair = f"{basic['Username']}:{basic['Password']}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return f"the emulator does not sign in with {kind}"


def _pairs(always: Mapping[str, Any], name: str) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in always.get(name) or ()}


def _with_members(text: str, members: Mapping[str, str]) -> str:
    """Add the connection's members to a body that is an object; no other has room for them."""
    value = json.loads(text) if members else None
    return json.dumps({**value, **members}) if isinstance(value, dict) else text
