"""The emulator as a WSGI application: what happens to a request, in order."""

import io
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sidecar.emulator.addressing import Address, address_of, is_create_session
from sidecar.emulator.authorization import Caller, acting, authorize, caller_of
from sidecar.emulator.control import PREFIX, Control
from sidecar.emulator.error_shapes import AwsError, Protocol, Response, render_error
from sidecar.emulator.events.confirmations import confirm_subscription
from sidecar.emulator.events.destinations import check_receiver
from sidecar.emulator.events.envelopes import CERTIFICATE_PATH
from sidecar.emulator.events.permissions import check_passed_roles
from sidecar.emulator.faults import Reset
from sidecar.emulator.iam_checks import check_iam
from sidecar.emulator.invocations import invoke_function
from sidecar.emulator.json_errors import mended_status_line
from sidecar.emulator.json_members import without_nulls
from sidecar.emulator.key_watch import watching_keys
from sidecar.emulator.known_regions import is_region
from sidecar.emulator.listener import reset_connection
from sidecar.emulator.parameter_checks import check_parameter
from sidecar.emulator.policy import PolicyNotUnderstood
from sidecar.emulator.principals import Issued, principal_of
from sidecar.emulator.refusals import NotLetIn, Refusal, as_aws_error
from sidecar.emulator.request import Request, Unreadable, read_request
from sidecar.emulator.roles_anywhere.control_plane import ControlPlane
from sidecar.emulator.roles_anywhere.sessions import SessionService
from sidecar.emulator.rotation.deployed import Deployed
from sidecar.emulator.secret_checks import check_secret
from sidecar.emulator.sigv4 import ALGORITHM, Claim, claim_of, verify_signature
from sidecar.emulator.sts import assume_role
from sidecar.emulator.sts_users import check_session_use, get_caller_identity, get_session_token
from sidecar.emulator.validation import validate_before_moto

_log = logging.getLogger(__name__)

# moto answers these without authentication; nothing of AWS lives there.
_BACK_DOORS: Final = ("/moto-api", "/favicon.ico", "/latest/meta-data/", "/latest/api/")
# STS calls that carry a token instead of a signature; nobody here could verify the token.
_UNVERIFIABLE: Final = frozenset({"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})


@dataclass(frozen=True, slots=True)
class FromMoto:
    """An answer of moto's, whose headers may repeat themselves."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def status(self) -> int:
        """The code at the beginning of the status line."""
        return int(self.line.split(" ", 1)[0])


Handled = Response | FromMoto


@dataclass(frozen=True, slots=True)
class Application:
    """Control routes, CreateSession, and everything of AWS behind authentication."""

    control: Control
    session_service: SessionService
    control_plane: ControlPlane
    issued: Issued
    deployed: Deployed
    moto: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; whatever goes wrong inside becomes an answer too."""
        try:
            request = read_request(environ)
        except Unreadable as error:
            refused = AwsError(error.status, "BadRequest", str(error))
            return _send(render_error(refused, Protocol.REST_JSON), environ, start_response)
        try:
            handled = self._handled(request)
        except Reset:
            reset_connection(environ["werkzeug.socket"])
            raise ConnectionResetError from None
        if isinstance(handled, Response):
            return _send(handled, environ, start_response)
        start_response(handled.line, handled.headers)
        return [handled.body]

    def _handled(self, request: Request) -> Handled:
        if request.raw_path.startswith(PREFIX):
            return _rendered(lambda: self.control.answer(request), Protocol.REST_JSON)
        return _rendered(lambda: self._addressed(request), Protocol.REST_JSON)

    def _addressed(self, request: Request) -> Handled:
        address = address_of(request, default_region=self.control.region)
        self.control.calls.count(address.service, address.operation)
        return _rendered(lambda: self._aws(request, address), address.protocol)

    def _aws(self, request: Request, address: Address) -> Handled:
        if injected := self.control.faults.suffer(address.service, address.operation):
            return injected
        if is_create_session(request):
            return self.session_service.create_session(request)
        if unsigned := self._unsigned(request, address):
            return unsigned
        return self._signed(request, address)

    def _unsigned(self, request: Request, address: Address) -> Response | None:
        """What whoever gets messages of SNS may ask for, who need not be a principal at all."""
        control = self.control
        if (request.method, request.raw_path) == ("GET", CERTIFICATE_PATH):
            return Response(200, control.notifier.signer.certificate_pem)
        confirms = (address.service, address.operation) == ("sns", "ConfirmSubscription")
        if confirms and not request.header("Authorization"):
            return confirm_subscription(request.form(), control.administrator.account)
        return None

    def _signed(self, request: Request, address: Address) -> Handled:
        if request.raw_path.startswith(_BACK_DOORS):
            raise AwsError(404, "NotFound", "not a route of AWS")
        if address.service == "sts" and address.operation in _UNVERIFIABLE:
            raise AwsError(400, "InvalidIdentityToken", "the emulator trusts no identity provider")
        clock = self.control.clock
        claim = claim_of(request)
        if not is_region(claim.region):
            detail = f"Credential should be scoped to a valid region, not '{claim.region}'."
            raise NotLetIn(Refusal.WRONG_SIGNATURE, detail)
        account, now = self.control.administrator.account, clock.now()
        principal = principal_of(claim, self.issued, account=account, now=now)
        verify_signature(request, claim, principal.secret_access_key, clock.wire_now())
        if principal.session is None and not principal.is_user_session:
            self.issued.keys.used(claim.access_key_id, address.service, claim.region, now)
        caller = caller_of(request, address, principal, now)
        with self.control.trail.recording(request, caller) as answered:
            handled = self._authenticated(request, claim, caller)
            answered.status, answered.body = handled.status, handled.body
        return handled

    def _authenticated(self, request: Request, claim: Claim, caller: Caller) -> Handled:
        address = caller.touch.address
        check_session_use(caller)
        if address.service == "sts" and address.operation == "AssumeRole":
            return assume_role(caller, self.issued.roles, caller.now)
        authorize(caller)
        if address.service == "rolesanywhere":
            return self.control_plane.answer(request, caller)
        if own := self._answered_here(caller):
            return own
        validate_before_moto(address.service, address.operation, request.json_object())
        check_secret(caller.touch)
        check_parameter(caller.touch)
        check_iam(caller.touch)
        check_receiver(caller.touch)
        check_passed_roles(caller)
        if (address.service, address.operation) == ("secretsmanager", "RotateSecret"):
            return self.control.rotation.rotate(caller)
        if (address.service, address.operation) == ("lambda", "Invoke"):
            return invoke_function(request, caller, self.deployed)
        with (
            acting(caller),
            self.control.rotation.watching(caller),
            watching_keys(self.issued.keys, caller),
        ):
            return self._from_moto(request, claim, caller)

    def _answered_here(self, caller: Caller) -> Response | None:
        """What moto would answer without knowing who asks, or has no answer to."""
        address, account = caller.touch.address, caller.principal.account
        if (address.service, address.operation) == ("events", "PutEvents"):
            return self.control.bus.put_events(caller)
        if (address.service, address.operation) == ("sns", "ConfirmSubscription"):
            return confirm_subscription(caller.touch.parameters, account)
        if caller.touch.address.service != "sts":
            return None
        if caller.touch.address.operation == "GetCallerIdentity":
            return get_caller_identity(caller)
        if caller.touch.address.operation == "GetSessionToken":
            return get_session_token(caller, self.issued.users)
        return None

    def _from_moto(self, request: Request, claim: Claim, caller: Caller) -> Handled:
        """Let moto answer; its answer is taken whole, so that its failures are caught here."""
        answer = _Captured()
        environ = _replayed(request, claim, caller.principal.account)
        body = b"".join(self.moto(environ, answer.start))
        address, line, headers = caller.touch.address, answer.status, answer.headers
        if address.protocol is Protocol.JSON:
            line, body = mended_status_line(line, body, address.service), without_nulls(body)
            kept = [header for header in headers if header[0].lower() != "content-length"]
            headers = [*kept, ("Content-Length", str(len(body)))]
        return FromMoto(line, headers, body)


class _Captured:
    """A status line and headers that were meant for a client."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def start(
        self, status: str, headers: list[tuple[str, str]], _: object = None
    ) -> Callable[[bytes], object]:
        # moto repeats the status as a header, which AWS does not.
        self.headers = [header for header in headers if header[0].lower() != "status"]
        self.status = status
        return lambda _: None


def _rendered(answer: Callable[[], Handled], protocol: Protocol) -> Handled:
    """Turn whatever is raised into the protocol's error; the unexpected is logged and is a 500."""
    try:
        return answer()
    except AwsError as error:
        return render_error(error, protocol)
    except NotLetIn as refused:
        return render_error(as_aws_error(refused, protocol), protocol)
    except Reset:
        raise
    except PolicyNotUnderstood as error:
        return render_error(AwsError(500, "InternalFailure", str(error)), protocol)
    except Exception:  # noqa: BLE001 - a server answers, whatever fails; the traceback is logged
        _log.exception("the emulator failed to answer a request")
        return render_error(AwsError(500, "InternalFailure", "the emulator failed"), protocol)


def _send(
    response: Response, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    headers = [*response.headers.items(), ("Content-Length", str(len(response.body)))]
    start_response(f"{response.status} {_phrase(response.status)}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _replayed(request: Request, claim: Claim, account: str) -> WSGIEnvironment:
    """The environment for moto: the body again, whose account, and a scope for presigned URLs."""
    environ = dict(request.environ)
    # moto lets a header choose the account; here the principal does, whatever the client sent.
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
    environ["wsgi.input"] = io.BytesIO(request.body)
    environ["CONTENT_LENGTH"] = str(len(request.body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ.pop("wsgi.input_terminated", None)
    environ.setdefault(
        "HTTP_AUTHORIZATION",
        f"{ALGORITHM} Credential={claim.access_key_id}/{claim.scope}, "
        f"SignedHeaders={';'.join(claim.signed_headers)}, Signature={claim.signature}",
    )
    return environ
