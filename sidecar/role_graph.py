"""Every configured role, made from its source, each after the one that it is assumed through."""

import random
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import aiohttp

from sidecar.aws.boto_service import ONE_ATTEMPT
from sidecar.aws.endpoints import service_endpoint
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.aws.sts import SessionRequest, Sts
from sidecar.aws.user_keys import UserKeys
from sidecar.clock import Clock
from sidecar.config.chaining import chaining_order
from sidecar.config.consistency import sts_region
from sidecar.config.role_sources import (
    SESSION_TOKEN,
    AccessKeySecretSection,
    AssumeRoleSection,
    RolesAnywhereSection,
    RoleSection,
    StsSection,
    WebIdentitySection,
)
from sidecar.config.schema import AwsSection, Config
from sidecar.errors import ConfigError, Problem
from sidecar.providers.access_key_secret import AccessKeySecretSource, UserSecret
from sidecar.providers.assume_role import AssumeRoleSource
from sidecar.providers.refreshing import RefreshingRole, RoleSource
from sidecar.providers.roles_anywhere import RolesAnywhereSource
from sidecar.providers.session_name import SessionNames
from sidecar.providers.session_policy import read_policy
from sidecar.providers.web_identity import WebIdentitySource
from sidecar.signing.create_session import SERVICE, SessionParameters
from sidecar.signing.x509 import CertifiedKey

Key = Callable[[], CertifiedKey]


@dataclass(frozen=True, slots=True)
class RoleGraph:
    """Every role, and a way to make further sessions of one.

    Args:
        roles: the roles by name.
        another: makes another session of a role, of its name and what it is called in the log.

    """

    roles: Mapping[str, RefreshingRole]
    another: Callable[[str, str], RefreshingRole]


def build_role_graph(
    config: Config,
    http: aiohttp.ClientSession,
    key: Key,
    clock: Clock,
    *,
    hostname: str | None = None,
    jitter: Callable[[], float] = random.random,
) -> RoleGraph:
    """Make every role, in the order of the configuration; none is renewing yet.

    Args:
        config: the configuration, found consistent.
        http: what CreateSession is sent with.
        key: gives the certified key of the moment; asked only where a certificate is needed.
        clock: the wall clock.
        hostname: this machine's name, for session names; None asks the system.
        jitter: gives a random number from 0 up to 1, by which renewals are spread.

    Raises:
        ConfigError: a region that a service is not known in, each named.

    """
    graph = _Graph(config, http, key, clock, hostname or socket.gethostname(), jitter)
    for name in chaining_order(config.roles):
        graph.add(name)
    if graph.problems:
        raise ConfigError(graph.problems)
    return RoleGraph({name: graph.roles[name] for name in config.roles}, graph.session)


def endpoint_of(service: str, region: str, aws: AwsSection) -> str:
    """Give the address of a service: the one configured for it, for all, or AWS's own.

    Raises:
        ValueError: AWS has none there.

    """
    return configured_endpoint(service, aws) or service_endpoint(
        service, region, fips=aws.use_fips_endpoint, dual_stack=aws.use_dualstack_endpoint
    )


def configured_endpoint(service: str, aws: AwsSection) -> str | None:
    """Give the address that is configured for a service, or for all; None leaves it to AWS."""
    own: str | None = getattr(aws, f"endpoint_url_{service}")
    return own or aws.endpoint_url


def sts_of(name: str, config: Config, clock: Clock) -> Sts:
    """Make the client of the STS that gives a role's sessions.

    Raises:
        ValueError: STS has no address in its region.

    """
    region = sts_region(name, config)
    return Sts(
        region=region,
        endpoint_url=endpoint_of("sts", region, config.aws),
        clock=clock,
        ca_bundle=None if config.aws.ca_bundle is None else str(config.aws.ca_bundle),
    )


@dataclass(slots=True)
class _Graph:
    """Adds roles one by one, parents first, and collects what is wrong on the way."""

    config: Config
    http: aiohttp.ClientSession
    key: Key
    clock: Clock
    hostname: str
    jitter: Callable[[], float]
    roles: dict[str, RefreshingRole] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, name: str) -> None:
        section = self.config.roles[name]
        try:
            source = self._source(name, section)
        except ValueError as exc:
            own_region = not isinstance(section, RolesAnywhereSection) and section.region
            where = f"roles.{name}.region" if own_region else f"roles.{name}"
            self.problems.append(Problem(where, str(exc), "check the region and the [aws] options"))
            return
        if source is not None:
            self.roles[name] = self._renewed(name, name, source)

    def session(self, name: str, label: str) -> RefreshingRole:
        """Make another session of a role that has been added."""
        source = self._source(name, self.config.roles[name])
        if source is None:
            raise LookupError(name)
        return self._renewed(name, label, source)

    def _renewed(self, name: str, label: str, source: RoleSource) -> RefreshingRole:
        spread = self._spread(self.config.roles[name])
        role = RefreshingRole(label, source, self.clock, jitter=self.jitter, start_spread=spread)
        if isinstance(source, AccessKeySecretSource):
            role.on_doubt(source.doubt)
        if isinstance(source, AssumeRoleSource | AccessKeySecretSource):
            # A role that waits for its parent's session must not sit out its back-off then.
            source.parent.on_change(
                lambda _: role.renew_soon() if source.waits_for_parent else None
            )
        return role

    def _spread(self, section: RoleSection) -> timedelta:
        """Spread what CreateSession's quota is for; roles chained on it follow of themselves."""
        if isinstance(section, RolesAnywhereSection):
            return timedelta(seconds=self.config.aws.start_spread_seconds)
        return timedelta(0)

    def _source(self, name: str, section: RoleSection) -> RoleSource | None:
        """Make the source; None when the role that it hangs on could not be made."""
        if isinstance(section, RolesAnywhereSection):
            return self._roles_anywhere(name, section)
        if isinstance(section, AccessKeySecretSection):
            return self._access_key_secret(name, section)
        names = SessionNames(section.role_session_name, name, self.hostname)
        request = partial(_session_request, section, names, self.key)
        sts = sts_of(name, self.config, self.clock)
        if isinstance(section, AssumeRoleSection):
            parent = self.roles.get(section.via)
            return None if parent is None else AssumeRoleSource(sts, parent, request)
        return WebIdentitySource(sts, section.token_file, request)

    def _access_key_secret(
        self, name: str, section: AccessKeySecretSection
    ) -> AccessKeySecretSource | None:
        aws, parent = self.config.aws, self.roles.get(section.via)
        where = UserSecret(
            secret_id=section.secret_id,
            region=sts_region(name, self.config),
            lifetime=timedelta(seconds=section.session_duration_seconds),
            exchanged=section.exchange == SESSION_TOKEN,
        )
        endpoint = partial(endpoint_of, aws=aws)
        for service in ("secretsmanager", "sts"):
            endpoint(service, where.region)
        if parent is None:
            return None
        bundle = None if aws.ca_bundle is None else str(aws.ca_bundle)
        secrets = SecretsManager(endpoint, ca_bundle=bundle, boto_config=ONE_ATTEMPT)
        keys = UserKeys(endpoint, self.clock, ca_bundle=bundle)
        return AccessKeySecretSource(where, parent, secrets, keys, self.clock)

    def _roles_anywhere(self, name: str, section: RolesAnywhereSection) -> RolesAnywhereSource:
        region = section.trust_anchor_arn.region
        client = RolesAnywhere(
            self.http,
            endpoint=endpoint_of(SERVICE, region, self.config.aws),
            region=region,
            clock=self.clock,
        )
        parameters = SessionParameters(
            trust_anchor_arn=section.trust_anchor_arn,
            profile_arn=section.profile_arn,
            role_arn=section.role_arn,
            duration_seconds=section.session_duration_seconds,
        )
        template = section.role_session_name
        naming = SessionNames(template, name, self.hostname).name if template else None
        return RolesAnywhereSource(client, parameters, self.key, session_name=naming)


def _session_request(section: StsSection, names: SessionNames, key: Key) -> SessionRequest:
    """Say what to ask for at this moment: the certificate and the policy file may have changed."""
    policy = section.policy if section.policy_file is None else read_policy(section.policy_file)
    request = SessionRequest(
        role_arn=section.role_arn,
        session_name=names.name(key() if names.need_certificate else None),
        duration_seconds=section.session_duration_seconds,
        policy=policy,
        policy_arns=section.policy_arns,
    )
    if isinstance(section, WebIdentitySection):
        return request
    return replace(
        request,
        external_id=section.external_id,
        tags=section.session_tags,
        transitive_tag_keys=section.transitive_tag_keys,
    )
