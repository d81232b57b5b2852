"""The aws-api door: Secrets Manager's and Parameter Store's own APIs, for code that knows no other.

A request is signed with credentials that this process vended, and the signature is the caller's
identity. Its head is checked before its body is read, so that only holders of a session can make
the door hold a megabyte.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from sidecar.access.policy import App
from sidecar.access.shared_role import RoleHolders
from sidecar.access.vended import VendedSessions
from sidecar.aws.asker import asking_for
from sidecar.aws.forwarding import Forwarder, NotSent
from sidecar.aws.json_api import ApiCall, ApiReply
from sidecar.errors import SidecarError
from sidecar.signing.authorization import Authorization, Headers, read_authorization
from sidecar.signing.canonical import Request
from sidecar.signing.not_authentic import Code, NotAuthentic
from sidecar.signing.sigv4 import check_claim, check_signature
from sidecar.web.answer import Refusal
from sidecar.web.aws_api.caller import Caller
from sidecar.web.aws_api.errors import ApiError, json_answer, refusal_of, written
from sidecar.web.aws_api.forwarded_reads import (
    answers_with_values,
    check_call,
    permitted,
    readable,
)
from sidecar.web.aws_api.in_flight import MOST, InFlight
from sidecar.web.aws_api.operation import SERVICES, in_json, operation_of
from sidecar.web.aws_api.own_writes import OwnWrites
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api.writes import Write, write_of
from sidecar.web.guards import Guard, not_forwarded, not_from_a_browser
from sidecar.web.ledger import CONNECT, Entry, Ledger

MAX_BODY_BYTES: Final = 1024 * 1024

_LENGTH: Final = re.compile(r"[0-9]{1,10}")
_CLIENT_ERROR: Final = 400
_NO_BODY: Final = Refusal(408, "RequestTimeoutException", "the body did not arrive")


def not_presigned(request: web.BaseRequest) -> Refusal | None:
    """Refuse a signature in the query, which may have been made for somebody else to use."""
    if "x-amz-" in request.raw_path.partition("?")[2].lower():
        return Refusal(400, Code.MISSING, "Missing Authentication Token: it must be in the headers")
    return None


def only_post_to_the_root(request: web.BaseRequest) -> Refusal | None:
    """Refuse what no call of these APIs is."""
    if request.method != "POST":
        return Refusal(405, "MethodNotAllowedException", "Not allowed", {"Allow": "POST"})
    if request.raw_path != "/":
        return Refusal(404, "UnknownOperationException", "all operations are POST /")
    return None


def body_of_stated_length(request: web.BaseRequest) -> Refusal | None:
    """Refuse a body that is too long or does not say how long it is."""
    lengths = request.headers.getall("Content-Length", [])
    if "Transfer-Encoding" in request.headers or len(lengths) != 1:
        return Refusal(411, "MissingContentLength", "one Content-Length header is required")
    if not _LENGTH.fullmatch(lengths[0]) or int(lengths[0]) > MAX_BODY_BYTES:
        return Refusal(
            413, "RequestEntityTooLargeException", f"the body may have {MAX_BODY_BYTES} bytes"
        )
    return None


@dataclass(frozen=True, slots=True)
class AwsApiLimits:
    """How many requests are worked on at the same time, and how long a body may take to arrive."""

    most: int = MOST
    body_seconds: float = 10.0


DEFAULT_LIMITS: Final = AwsApiLimits()


class AwsApiDoor:
    """Answers reads from memory and forwards the rest, signed anew as the caller's own role.

    Args:
        vended: the sessions that requests may be signed with.
        apps: gives every app of this moment.
        reads: what is answered from memory.
        forwarder: the way to AWS.
        ledger: where decisions are put down; its clock is the wall clock.
        limits: see `AwsApiLimits`.

    """

    name = "aws_api"
    guards: tuple[Guard, ...] = (
        not_forwarded,
        not_from_a_browser,
        not_presigned,
        only_post_to_the_root,
        body_of_stated_length,
    )

    def __init__(
        self,
        vended: VendedSessions,
        apps: Callable[[], Sequence[App]],
        reads: CachedReads,
        forwarder: Forwarder,
        ledger: Ledger,
        *,
        limits: AwsApiLimits = DEFAULT_LIMITS,
    ) -> None:
        self._vended = vended
        self._apps = apps
        self._reads = reads
        self._own_writes = OwnWrites(reads, ledger.clock)
        self._in_flight = InFlight(apps, limits.most)
        self._forwarder = forwarder
        self._ledger = ledger
        self._clock = ledger.clock
        self._body_seconds = limits.body_seconds

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Verify, then answer or forward."""
        headers = tuple((_text(name), _text(value)) for name, value in request.raw_headers)
        entry = self._ledger.entry(request.transport, CONNECT)
        claim = None
        try:
            claim = read_authorization(headers)
            caller = self._claimed_caller(headers, claim, entry)
            with self._in_flight.one_of(caller.holders), asking_for(str(caller.holders)):
                return await self._serve(request, headers, claim, caller)
        except SidecarError as exc:
            entry.denied(exc.message, access_key_id=claim.access_key_id if claim else "")
            return _turned_away(refusal_of(exc))

    async def _serve(
        self,
        request: web.BaseRequest,
        headers: tuple[tuple[str, str], ...],
        claim: Authorization,
        caller: Caller,
    ) -> web.Response:
        credentials = caller.session.credentials
        try:
            body = await self._body(request)
            received = Request(request.method, request.raw_path, headers, body)
            check_signature(received, claim, credentials)
        except SidecarError as exc:
            caller.entry.denied(exc.message, access_key_id=credentials.access_key_id)
            return _turned_away(refusal_of(exc))
        except (TimeoutError, ConnectionError):
            caller.entry.denied(_NO_BODY.message, access_key_id=credentials.access_key_id)
            return _turned_away(_NO_BODY)
        caller = caller.authentic()
        call = ApiCall(claim.scope.service, claim.scope.region, headers, body)
        try:
            return await self._answer(caller, call)
        except SidecarError as exc:
            if isinstance(exc, ApiError | NotAuthentic):  # all else is put down where it arises
                caller.entry.denied(exc.message, access_key_id=credentials.access_key_id)
            return written(refusal_of(exc))

    def refuse(self, refusal: Refusal) -> web.Response:
        """Say no as AWS's JSON services do."""
        return written(refusal)

    def _claimed_caller(self, headers: Headers, claim: Authorization, entry: Entry) -> Caller:
        """Find whose session a request claims to be signed with, and check all but the signature.

        A role that no app may have is only read with: its session was given to nobody. One that
        was made for an app is that app's alone.
        """
        session = self._vended.find(claim.access_key_id)
        holders = RoleHolders(())
        if session is not None:
            holders = RoleHolders.of(session.role, self._apps(), session.app, session.former)
        if session is None or not holders.apps:
            raise NotAuthentic(
                Code.UNRECOGNIZED, "The security token included in the request is invalid."
            )
        now = self._clock.now()
        check_claim(headers, claim, session.credentials, services=SERVICES, now=now)
        return Caller(session, holders, entry)

    async def _body(self, request: web.BaseRequest) -> bytes:
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        async with asyncio.timeout(self._body_seconds):
            return await request.content.read()

    async def _answer(self, caller: Caller, call: ApiCall) -> web.Response:
        operation = operation_of(call)
        call = in_json(call)
        try:
            self._forwarder.url_of(call)
        except ValueError:
            raise NotAuthentic(
                Code.INVALID, "Credential should be scoped to a valid region."
            ) from None
        found = await self._reads.answer(call, operation, caller)
        if found is not None:
            marks = {"Age": str(found.age_seconds), "X-Sidecar-Cache": found.state}
            return json_answer(200, found.body, **marks)
        reply = await self._sent_on(call, operation, caller)
        headers = {**reply.headers, "Cache-Control": "no-store"}
        return web.Response(status=reply.status, headers=headers, body=reply.body)

    async def _sent_on(self, call: ApiCall, operation: str, caller: Caller) -> ApiReply:
        """Have AWS answer, and put down that it was asked; what it says of values is looked at."""
        action, write = f"{call.service}:{operation}", write_of(call, operation)
        values = answers_with_values(action)
        if values:
            check_call(action, call, caller)
            call = readable(call)
        resource = ", ".join(write.names if write else ())
        with caller.asking(action, resource):
            reply = await self._forwarded(call, caller, write)
        if reply.status >= _CLIENT_ERROR:
            refused = reply.refusal()
            caller.failed(action, resource, f"AWS answered {reply.status} {refused.code}".strip())
        elif values:
            return permitted(action, reply, caller)
        else:
            caller.granted(action, resource)
        return reply

    async def _forwarded(self, call: ApiCall, caller: Caller, write: Write | None) -> ApiReply:
        """Send a call on, and note what became of a write that has left the machine."""
        status = None
        try:
            reply = await self._forwarder.send(call, caller.session.credentials)
            status = reply.status
        except NotSent:
            write = None
            raise
        finally:
            if write is not None:
                self._own_writes.note(write, caller, status)
        return reply


def _turned_away(refusal: Refusal) -> web.Response:
    """Refuse and close: a body may be under way, which nobody is going to read."""
    response = written(refusal)
    response.force_close()
    return response


def _text(raw: bytes) -> str:
    """Decode a header as the side that signed it will have encoded it."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
