"""CreateSession: every check in order, then credentials.

Each step is one function, called in the order in which the service is known or assumed to check;
`create_session` is the table of contents.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from sidecar.clock import iso_seconds
from sidecar.emulator.error_shapes import AwsError, Response, json_response
from sidecar.emulator.principals import managed_policy_documents
from sidecar.emulator.request import Request
from sidecar.emulator.role_sessions import Grant, RoleSession, RoleSessions
from sidecar.emulator.roles_anywhere.certificate_path import Pool, Untrusted, check_path
from sidecar.emulator.roles_anywhere.end_entity import (
    constraint_problem,
    hex_serial,
    principal_tags,
    source_identity,
)
from sidecar.emulator.roles_anywhere.session_request import SessionRequest, parse_session_request
from sidecar.emulator.roles_anywhere.signature import BadSignature, Signer, verify_request
from sidecar.emulator.roles_anywhere.store import Home, Profile, Store, TrustAnchor
from sidecar.emulator.roles_anywhere.trust_policy import Assumption, is_trusted
from sidecar.emulator.service_clock import ServiceClock
from sidecar.emulator.sts import find_role

_TOO_LONG: Final = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
_DEFAULT_MAX_SESSION_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class SessionService:
    """What CreateSession needs: resources, minted sessions, time, and how strict to be."""

    store: Store
    sessions: RoleSessions
    clock: ServiceClock
    strict: bool = True

    def create_session(self, request: Request) -> Response:
        """Answer ``POST /sessions``.

        Raises:
            AwsError: the first check that fails, as the service words it where that is known.
        """
        if request.method != "POST":
            raise AwsError(405, "MethodNotAllowedException", "Only POST is allowed on /sessions")
        wanted = parse_session_request(request)
        signer = self._verified(request, wanted)
        anchor, profile = self._resources(wanted)
        now = self.clock.now()
        _check_trust(signer, anchor, now)
        _check_profile(profile, wanted)
        session = self._mint(_grant(signer, profile, wanted), wanted, now)
        return self._answer(session, signer.leaf, wanted)

    def _verified(self, request: Request, wanted: SessionRequest) -> Signer:
        region = wanted.trust_anchor_arn.region
        now = self.clock.wire_now()
        try:
            return verify_request(request, region=region, now=now, strict=self.strict)
        except BadSignature as error:
            raise _denied(str(error)) from None

    def _resources(self, wanted: SessionRequest) -> tuple[TrustAnchor, Profile]:
        anchor = self.store.find(str(wanted.trust_anchor_arn))
        if not isinstance(anchor, TrustAnchor):
            raise _not_found(f"Trust anchor not found: {wanted.trust_anchor_arn}")
        if not anchor.enabled:
            raise _denied("Trust anchor is disabled")
        profile = self.store.find(str(wanted.profile_arn))
        if not isinstance(profile, Profile):
            raise _not_found(f"Profile not found: {wanted.profile_arn}")
        if not profile.enabled:
            raise _denied("Profile is disabled")
        if _home(wanted, "profile_arn") != _home(wanted, "trust_anchor_arn"):
            raise _denied("Trust anchor and profile must be in the same account and region")
        return anchor, profile

    def _mint(self, grant: Grant, wanted: SessionRequest, now: datetime) -> RoleSession:
        refused = f"Unable to assume role for {wanted.role_arn}"
        role = find_role(wanted.role_arn)
        assumption = Assumption(
            role_arn=wanted.role_arn,
            anchor_arn=wanted.trust_anchor_arn,
            session_name=grant.session_name,
            source_identity=grant.source_identity or "",
            tags=grant.tags,
        )
        if role is None or not is_trusted(role.assume_role_policy_document, assumption):
            raise _denied(refused)
        longest = int(role.max_session_duration or _DEFAULT_MAX_SESSION_SECONDS)
        if grant.duration > timedelta(seconds=longest):
            raise _denied(f"{refused}. {_TOO_LONG}")
        return self.sessions.mint(grant, region=wanted.trust_anchor_arn.region, now=now)

    def _answer(
        self, session: RoleSession, leaf: x509.Certificate, wanted: SessionRequest
    ) -> Response:
        credentials = session.credentials
        subject = leaf.subject.rfc4514_string()
        credential_set = {
            "assumedRoleUser": {"arn": session.arn, "assumedRoleId": session.assumed_role_id},
            "credentials": {
                "accessKeyId": credentials.access_key_id,
                "expiration": iso_seconds(credentials.expires_at),
                "secretAccessKey": credentials.secret_access_key.reveal(),
                "sessionToken": credentials.session_token.reveal(),
            },
            "packedPolicySize": 0,
            "roleArn": credentials.role_arn,
            "sourceIdentity": session.grant.source_identity,
        }
        subject_arn = self.store.subject_arn(_home(wanted, "trust_anchor_arn"), subject)
        return json_response(201, {"credentialSet": [credential_set], "subjectArn": subject_arn})


def _home(wanted: SessionRequest, name: str) -> Home:
    arn = wanted.profile_arn if name == "profile_arn" else wanted.trust_anchor_arn
    return Home(arn.partition, arn.region, arn.account)


def _check_trust(signer: Signer, anchor: TrustAnchor, now: datetime) -> None:
    pool = Pool(signer.chain, x509.load_pem_x509_certificates(anchor.pem))
    try:
        check_path(signer.leaf, pool, now)
    except Untrusted as error:
        raise _denied(error.reason) from None
    if problem := constraint_problem(signer.leaf):
        raise _denied(problem)


def _check_profile(profile: Profile, wanted: SessionRequest) -> None:
    if str(wanted.role_arn) not in profile.role_arns:
        raise _denied(f"Role {wanted.role_arn} is not listed in the profile")
    if wanted.role_session_name is not None and not profile.accept_role_session_name:
        raise _denied("Not authorized to set roleSessionName.")


def _grant(signer: Signer, profile: Profile, wanted: SessionRequest) -> Grant:
    asked = wanted.duration_seconds or profile.duration_seconds
    return Grant(
        role_arn=wanted.role_arn,
        session_name=wanted.role_session_name or hex_serial(signer.leaf),
        duration=timedelta(seconds=min(asked, profile.duration_seconds)),
        source_identity=source_identity(signer.leaf),
        session_policies=_session_policies(profile, wanted),
        tags=principal_tags(signer.leaf),
    )


def _session_policies(profile: Profile, wanted: SessionRequest) -> tuple[str, ...]:
    role = wanted.role_arn
    try:
        managed = managed_policy_documents(
            profile.managed_policy_arns, account=role.account, partition=role.partition
        )
    except LookupError:
        raise _denied(f"Unable to assume role for {role}") from None
    return (*((profile.session_policy,) if profile.session_policy else ()), *managed)


def _denied(message: str) -> AwsError:
    return AwsError(403, "AccessDeniedException", message)


def _not_found(message: str) -> AwsError:
    return AwsError(404, "ResourceNotFoundException", message)
