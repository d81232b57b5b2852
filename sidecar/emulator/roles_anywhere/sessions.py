"""CreateSession: every check in order, then credentials.

Each step is one function, called in the order in which the service is known or assumed to check;
`_created` is the table of contents.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cryptography import x509

from sidecar.arn import Arn
from sidecar.clock import iso_seconds
from sidecar.emulator.error_shapes import AwsError, Response, json_response
from sidecar.emulator.request import Request
from sidecar.emulator.role_sessions import Grant, RoleSession, RoleSessions
from sidecar.emulator.roles_anywhere.certificate_path import Pool, Untrusted, find_path
from sidecar.emulator.roles_anywhere.end_entity import constraint_problem
from sidecar.emulator.roles_anywhere.entities import Home, Profile, Subject, TrustAnchor
from sidecar.emulator.roles_anywhere.grants import Tags, grant_of, tags_of
from sidecar.emulator.roles_anywhere.quotas import Quotas
from sidecar.emulator.roles_anywhere.revocation import Revocation, read_lists
from sidecar.emulator.roles_anywhere.session_log import SessionEvent, SessionLog
from sidecar.emulator.roles_anywhere.session_refusals import denied, not_assumable, not_found
from sidecar.emulator.roles_anywhere.session_request import SessionRequest, parse_session_request
from sidecar.emulator.roles_anywhere.settings import Switches
from sidecar.emulator.roles_anywhere.signature import BadSignature, Signer, verify_request
from sidecar.emulator.roles_anywhere.store import Store
from sidecar.emulator.roles_anywhere.subjects import Sighting
from sidecar.emulator.roles_anywhere.trust_policy import Assumption, is_trusted
from sidecar.emulator.service_clock import ServiceClock
from sidecar.emulator.sts import find_role

_TOO_LONG: Final = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
_DEFAULT_MAX_SESSION_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class SessionService:
    """What CreateSession needs to know, and where it leaves what it did."""

    store: Store
    sessions: RoleSessions
    clock: ServiceClock
    switches: Switches
    quotas: Quotas
    log: SessionLog = field(default_factory=SessionLog)

    def create_session(self, request: Request) -> Response:
        """Answer ``POST /sessions``, and record what came of it.

        Raises:
            AwsError: the first check that fails, as the service words it where that is known.
        """
        if request.method != "POST":
            raise AwsError(405, "MethodNotAllowedException", "Only POST is allowed on /sessions")
        event = SessionEvent(self.clock.now())
        try:
            return self._created(request, event)
        except AwsError as error:
            event.error = error
            raise
        finally:
            self.log.add(event)

    def _created(self, request: Request, event: SessionEvent) -> Response:
        wanted = event.request = parse_session_request(request)
        self.quotas.take(_home(wanted.trust_anchor_arn), "CreateSession", event.at)
        strict = self.switches.settings.strict
        signer = self._verified(request, wanted, strict=strict)
        event.leaf = signer.leaf
        event.note(**signer.flags)
        anchor, profile = self._resources(wanted)
        self._check_trust(signer, anchor, event, strict=strict)
        try:
            tags = tags_of(signer.leaf, profile)
            event.note(unmappedAttributes=tags.unmapped)
            grant = grant_of(signer.leaf, profile, wanted, tags)
            # Whether these alone refuse is not certain (see Tags), so strictness decides.
            if strict and tags.unmapped:
                raise not_assumable(wanted.role_arn, tags.sentence)
            event.session = self._mint(grant, wanted, event, tags)
        except AwsError:
            self._see(signer.leaf, wanted, event, failed=True)
            raise
        event.subject_arn = self._see(signer.leaf, wanted, event, failed=False).arn
        event.error = None
        return _answer(event.session, event.subject_arn)

    def _verified(self, request: Request, wanted: SessionRequest, *, strict: bool) -> Signer:
        region = wanted.trust_anchor_arn.region
        now = self.clock.wire_now()
        try:
            return verify_request(request, region=region, now=now, strict=strict)
        except BadSignature as error:
            raise denied(str(error)) from None

    def _resources(self, wanted: SessionRequest) -> tuple[TrustAnchor, Profile]:
        anchor = self.store.find(str(wanted.trust_anchor_arn))
        if not isinstance(anchor, TrustAnchor):
            raise not_found(f"Trust anchor not found: {wanted.trust_anchor_arn}")
        if not anchor.enabled:
            raise denied("Trust anchor is disabled")
        profile = self.store.find(str(wanted.profile_arn))
        if not isinstance(profile, Profile):
            raise not_found(f"Profile not found: {wanted.profile_arn}")
        if not profile.enabled:
            raise denied("Profile is disabled")
        if _home(wanted.profile_arn) != _home(wanted.trust_anchor_arn):
            raise denied("Trust anchor and profile must be in the same account and region")
        return anchor, profile

    def _check_trust(
        self, signer: Signer, anchor: TrustAnchor, event: SessionEvent, *, strict: bool
    ) -> None:
        crls = self.store.enabled_crls(anchor.arn)
        lists = read_lists((each.arn, each.data) for each in crls)
        revocation = Revocation(lists, accept_outdated=not strict)
        anchors = x509.load_pem_x509_certificates(anchor.pem)
        try:
            path = find_path(signer.leaf, Pool(signer.chain, anchors, revocation), event.at)
        except Untrusted as error:
            raise denied(error.reason) from None
        if problem := constraint_problem(signer.leaf):
            raise denied(problem)
        event.note(outdatedRevocationLists=revocation.outdated(path, event.at))

    def _mint(
        self, grant: Grant, wanted: SessionRequest, event: SessionEvent, tags: Tags
    ) -> RoleSession:
        role = find_role(wanted.role_arn)
        assumption = Assumption(
            role_arn=wanted.role_arn,
            anchor_arn=wanted.trust_anchor_arn,
            session_name=grant.session_name,
            source_identity=grant.source_identity or "",
            tags=grant.tags,
        )
        if role is None or not is_trusted(role.assume_role_policy_document, assumption):
            raise not_assumable(wanted.role_arn, tags.sentence)
        longest = int(role.max_session_duration or _DEFAULT_MAX_SESSION_SECONDS)
        if grant.duration > timedelta(seconds=longest):
            raise not_assumable(wanted.role_arn, _TOO_LONG)
        return self.sessions.mint(grant, region=wanted.trust_anchor_arn.region, now=event.at)

    def _see(
        self, leaf: x509.Certificate, wanted: SessionRequest, event: SessionEvent, *, failed: bool
    ) -> Subject:
        """Record a certificate that is trusted, whether it gets its session or not."""
        home = _home(wanted.trust_anchor_arn)
        sighting = Sighting(leaf, wanted.instance_properties, event.at, failed)
        name = sighting.subject_name
        return self.store.change_subject(home, name, lambda known: sighting.of(known, home))


def _home(arn: Arn) -> Home:
    return Home(arn.partition, arn.region, arn.account)


def _answer(session: RoleSession, subject_arn: str) -> Response:
    credentials = session.credentials
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
    return json_response(201, {"credentialSet": [credential_set], "subjectArn": subject_arn})
