"""Every option: what it accepts, how it is read, and in which words it refuses the rest."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sidecar.arn import Arn
from sidecar.config.address import Address
from sidecar.config.app_section import AppSection
from sidecar.config.issuer_section import ALGORITHMS, IssuerSection
from sidecar.config.load import Loaded
from sidecar.config.option import options_of
from sidecar.config.role_sources import (
    AccessKeySecretSection,
    AssumeRoleSection,
    RolesAnywhereSection,
    WebIdentitySection,
)
from sidecar.config.schema import SECTIONS
from sidecar.errors import Problem
from sidecar.session_name import SessionName

SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
ANCHOR, PROFILE = f"{SCOPE}:trust-anchor/anchor-2", f"{SCOPE}:profile/profile-2"
ROLE = "arn:aws:iam::123456789012:role/path/api"
# What the sound configuration has here besides: a role of each source.
CHAINED = {"source": "assume-role", "via": "default", "role_arn": ROLE}
LEGACY = {"source": "access-key-secret", "via": "default", "secret_id": "legacy/batch-user"}
TOKEN = {"source": "web-identity", "token_file": "token", "role_arn": ROLE}
ISSUER = {"issuer": "https://corp.example", "audience": "sidecar", "jwks_file": "corp.jwks"}
# The schema by the name that a section has in the sound configuration.
SCHEMAS: dict[str, type] = {
    **SECTIONS,
    "roles.default": RolesAnywhereSection,
    "roles.chained": AssumeRoleSection,
    "roles.legacy": AccessKeySecretSection,
    "roles.token": WebIdentitySection,
    "apps.web": AppSection,
    "issuers.corp": IssuerSection,
}
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/sidecar"
MANAGED = "arn:aws:iam::aws:policy/ReadOnlyAccess"
POLICY = '{"Version": "2012-10-17", "Statement": []}'

ANCHOR_HINT = "aws rolesanywhere list-trust-anchors shows it"
PROFILE_HINT = "aws rolesanywhere list-profiles shows it"
NO_VARIABLE = "must be a variable's name: capitals, digits and _"
NAME_IT = "name the variable here, and put the token into that variable"
NAME_IT_TOO = "name the variable here, and put the password into that variable"
NO_FLAG = "must be true or false"
NO_DESTINATION = "must be off, stdout or the path of a file"
AUDIT_HINT = "such as /var/log/sidecar/audit.jsonl; a file in the directory at hand is ./audit"
NO_FIPS = "is no region: for FIPS endpoints write us-gov-west-1, and use_fips_endpoint in [aws]"
NO_SOURCE = "must be one of roles-anywhere, assume-role, web-identity, access-key-secret"
NO_NAME = "may hold letters, digits, _+=,.@- and {fields} only"
NO_FIELD = (
    "has no field {pid}: there are {hostname}, {role}, {certificate_cn}, {certificate_serial}"
)
NO_ROLE = "not the ARN of a role: expected …:iam:…:role/…"
NO_ID = "must be 2 to 1224 of letters, digits and _+=,.@:/-"
TOO_LONG = "must be between 900 and 3600: AWS limits a chained role's session to one hour"
LONG_TAG = "takes keys of 1 to 128 and values of up to 256 characters"
ODD_TAG = "takes letters, digits, spaces and _.:/=+-@ only"
NO_POLICY = "must be an IAM policy document, with a Statement"
NO_NAME_PATTERN = "takes names and patterns of names, which ARNs are judged by, and no ARNs"
NO_ACCOUNT = "must be a name or a number from 0 to 4294967294"
NO_MOMENT = "must be a moment with its zone, such as 2026-11-29T10:00:00Z"
MOMENT = datetime(2026, 11, 29, 10, tzinfo=UTC)
NO_TEXT, EMPTY = "must be text", "must not be empty"
NO_ARN = "not an ARN: expected arn:partition:service:region:account:resource"
NO_ANCHOR = "not the ARN of a trust-anchor: expected …:rolesanywhere:…:trust-anchor/…"
NO_URL = "must be http://host[:port] or https://host[:port]"
BARE = "must have no path or query"
NO_USER = "must have no user name or password"
NO_HOST = "must name its host by letters, digits, hyphens and dots, or by address"
NO_TAG = "must be key or key=value, as long as AWS takes them"
NO_QUEUE = "must be a queue's URL: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
NO_PREFIX = "must begin with / and hold neither ? nor #"
NO_ARN_PATTERN = "takes ARNs, or patterns of ARNs, not the names of configured roles"
NO_KEYS_URL = "must be https://host[:port]/path"
NOT_SAFE = "must be https; http is for loopback only: who can change keys can be any app"
SHARED = "takes neither shared secrets nor none: anybody could sign then"
EVERYBODY = "would let everybody in whom the issuer knows"
NO_CLAIMS = "must be a table of texts, such as { environment = 'prod' }"
NO_POINTER = "must name each claim, or point at it: /kubernetes.io/namespace"
NO_SLASH = "must begin with a slash to point at a claim within claims; one in a name is ~1"
NO_LIST = "must be a list of texts"
NO_NUMBER = "must be a whole number"
HOSTS = "must be names of hosts, without a port and without *"
EVERY = "must name what clients ask for, and nobody asks for every address"
MANY = "is an address of many machines, where nothing can listen"

NO_ZONE = "is not an availability zone's name: a region and a letter"
NO_ZONE_ID = "is not an availability zone's id"
NO_INSTANCE = "is not an instance's id: i- and 17 hexadecimal digits"

ACCEPTED: list[tuple[str, Any, Any]] = [
    ("identity.certificate", "a b.pem", "a b.pem"),
    ("identity.certificate", "pkcs11:token=web", "pkcs11:token=web"),
    ("identity.private_key", "/x/key", "/x/key"),
    ("identity.private_key", "tpm:0x81000001", "tpm:0x81000001"),
    ("identity.chain", "chain.pem", Path("chain.pem")),
    ("identity.password_file", "~/p", Path("~/p")),
    ("identity.password_env", "KEY_PASSWORD", "KEY_PASSWORD"),
    ("identity.pkcs11_module", "/lib/p11.so", Path("/lib/p11.so")),
    ("identity.tpm", "swtpm:port=2321", "swtpm:port=2321"),
    ("aws.region", "us-gov-west-1", "us-gov-west-1"),
    ("aws.endpoint_url", "http://127.0.0.1:4566/", "http://127.0.0.1:4566"),
    ("aws.endpoint_url", "https://[::1]:4566", "https://[::1]:4566"),
    ("aws.endpoint_url", "HTTP://emulator-1.local", "HTTP://emulator-1.local"),
    ("aws.endpoint_url_rolesanywhere", "https://a", "https://a"),
    ("aws.endpoint_url_sts", "https://a", "https://a"),
    ("aws.endpoint_url_secretsmanager", "https://a", "https://a"),
    ("aws.endpoint_url_ssm", "https://a", "https://a"),
    ("aws.endpoint_url_sqs", "https://a", "https://a"),
    ("aws.endpoint_url_iam", "https://a", "https://a"),
    ("aws.endpoint_url_events", "https://a", "https://a"),
    ("aws.endpoint_url_sns", "https://a", "https://a"),
    ("aws.use_fips_endpoint", True, True),
    ("aws.use_fips_endpoint", "True", True),
    ("aws.use_dualstack_endpoint", "false", False),
    ("aws.ca_bundle", "ca.pem", Path("ca.pem")),
    ("aws.start_spread_seconds", "900", 900),
    ("doors.credentials", "off", ()),
    ("doors.secrets", "off", ()),
    ("doors.aws_api", "off", ()),
    ("doors.metadata", "off", ()),
    ("doors.metadata", "127.0.0.1:1", (Address.parse("127.0.0.1:1"),)),
    ("doors.admin", "off", ()),
    ("doors.allow_remote", True, True),
    ("doors.hop_limit", 255, 255),
    ("doors.add_link_local", "true", True),
    ("doors.allowed_hosts", "Sidecar.Internal, my_app", ("sidecar.internal", "my_app")),
    ("doors.allowed_hosts", ["10.0.0.5", "fd00::5"], ("10.0.0.5", "[fd00::5]")),
    ("doors.allowed_hosts", "[FD00::5]", ("[fd00::5]",)),
    ("admin.static_token_file", "admin.token", Path("admin.token")),
    ("admin.token_env", "ADMIN_TOKEN", "ADMIN_TOKEN"),
    ("roles.default.source", "roles-anywhere", "roles-anywhere"),
    ("roles.default.trust_anchor_arn", ANCHOR, Arn.parse(ANCHOR)),
    ("roles.default.profile_arn", PROFILE, Arn.parse(PROFILE)),
    ("roles.default.role_arn", ROLE, Arn.parse(ROLE)),
    ("roles.default.session_duration_seconds", 900, 900),
    ("roles.default.session_duration_seconds", "43200", 43200),
    ("roles.default.role_session_name", "a=b,c.d@e-f_g+h", SessionName("a=b,c.d@e-f_g+h")),
    ("roles.default.role_session_name", "{hostname}", SessionName("{hostname}")),
    ("roles.chained.source", "assume-role", "assume-role"),
    ("roles.chained.role_arn", ROLE, Arn.parse(ROLE)),
    ("roles.chained.via", "default", "default"),
    ("roles.chained.external_id", "a:/b=c,d.e@f-g_h+i", "a:/b=c,d.e@f-g_h+i"),
    ("roles.chained.session_duration_seconds", 3600, 3600),
    ("roles.chained.role_session_name", "x-{role}", SessionName("x-{role}")),
    ("roles.chained.session_tags", {"team": "é 1", "e": ""}, (("team", "é 1"), ("e", ""))),
    ("roles.chained.session_tags", "a=b=c, d=", (("a", "b=c"), ("d", ""))),
    (
        "roles.chained.session_tags",
        {f"k{n}": "v" for n in range(50)},
        tuple((f"k{n}", "v") for n in range(50)),
    ),
    ("roles.chained.transitive_tag_keys", ["a", "b"], ("a", "b")),
    ("roles.chained.policy", POLICY, POLICY),
    ("roles.chained.policy_file", "p.json", Path("p.json")),
    ("roles.chained.policy_arns", MANAGED, (Arn.parse(MANAGED),)),
    ("roles.chained.region", "eusc-de-east-1", "eusc-de-east-1"),
    ("roles.token.source", "web-identity", "web-identity"),
    ("roles.token.role_arn", ROLE, Arn.parse(ROLE)),
    ("roles.token.token_file", "/t", Path("/t")),
    ("roles.token.session_duration_seconds", 43200, 43200),
    ("roles.token.role_session_name", "{hostname}", SessionName("{hostname}")),
    ("roles.token.policy", POLICY, POLICY),
    ("roles.token.policy_file", "p.json", Path("p.json")),
    ("roles.token.policy_arns", [MANAGED] * 10, (Arn.parse(MANAGED),) * 10),
    ("roles.token.region", "eu-west-1", "eu-west-1"),
    ("apps.web.roles", "default", ("default",)),
    ("apps.web.secrets", ["prod/*", "*"], ("prod/*", "*")),
    ("apps.web.secrets", "a, b", ("a", "b")),
    ("apps.web.parameters", "/a/*,b", ("/a/*", "b")),
    ("apps.web.assume_roles", f"{ROLE}*", (f"{ROLE}*",)),
    ("apps.web.static_token_file", "web.token", Path("web.token")),
    ("apps.web.token_env", "TOKEN", "TOKEN"),
    ("apps.web.deny_secrets", ["prod/root"], ("prod/root",)),
    ("apps.web.deny_parameters", "/root/*", ("/root/*",)),
    ("apps.web.token_file", "/run/web/token", Path("/run/web/token")),
    ("apps.web.token_file_mode", "0640", 0o640),
    ("apps.web.token_file_owner", 1000, "1000"),
    ("apps.web.token_file_group", "web", "web"),
    ("apps.web.not_before", MOMENT.isoformat(), MOMENT),
    ("tokens.algorithm", "HS256", "HS256"),
    ("tokens.key_file", "token.key", Path("token.key")),
    ("tokens.audience", "here", "here"),
    ("tokens.lifetime_seconds", 60, 60),
    ("tokens.grace_seconds", "0", 0),
    ("tokens.not_before", MOMENT, MOMENT),
    ("tokens.not_before", "2026-11-29T12:00:00.9+02:00", MOMENT),
    ("tokens.revoked", ["a", "b"], ("a", "b")),
    ("roles.default.shared_session", "true", True),
    ("roles.chained.shared_session", True, True),
    ("roles.token.shared_session", False, False),
    ("roles.legacy.source", "access-key-secret", "access-key-secret"),
    ("roles.legacy.secret_id", "legacy/batch-user", "legacy/batch-user"),
    ("roles.legacy.via", "default", "default"),
    ("roles.legacy.exchange", "none", "none"),
    ("roles.legacy.exchange", "session-token", "session-token"),
    ("roles.legacy.session_duration_seconds", 900, 900),
    ("roles.legacy.session_duration_seconds", "129600", 129600),
    ("roles.legacy.region", "eu-west-1", "eu-west-1"),
    ("roles.legacy.shared_session", True, True),
    ("apps.web.issuer", "corp", "corp"),
    ("apps.web.subject", "repo:a/b:*", "repo:a/b:*"),
    ("apps.web.claims", {"/a.b/c": "d", "e": "f=g"}, (("/a.b/c", "d"), ("e", "f=g"))),
    ("apps.web.claims", "/a.b/c=d, e=f=g", (("/a.b/c", "d"), ("e", "f=g"))),
    ("apps.web.claims", {"https://a/b": "c"}, (("https://a/b", "c"),)),
    ("apps.web.claims", {"/a~1b/~0": "c"}, (("/a~1b/~0", "c"),)),
    ("issuers.corp.issuer", "kubernetes/serviceaccount", "kubernetes/serviceaccount"),
    ("issuers.corp.audience", ["a", "b"], ("a", "b")),
    ("issuers.corp.jwks_file", "/x/jwks", Path("/x/jwks")),
    ("issuers.corp.jwks_url", "https://a:8443/b?c=d", "https://a:8443/b?c=d"),
    ("issuers.corp.jwks_url", "http://127.0.0.1:8001/jwks", "http://127.0.0.1:8001/jwks"),
    ("issuers.corp.jwks_url", "http://[::1]/", "http://[::1]/"),
    ("issuers.corp.jwks_url", "http://localhost/", "http://localhost/"),
    ("issuers.corp.algorithms", "ES256,EdDSA", ("ES256", "EdDSA")),
    ("issuers.corp.algorithms", list(ALGORITHMS), ALGORITHMS),
    ("issuers.corp.leeway_seconds", 0, 0),
    ("issuers.corp.max_lifetime_seconds", "3600", 3600),
    ("issuers.corp.refresh_seconds", 10, 10),
    ("issuers.corp.ca_bundle", "ca.crt", Path("ca.crt")),
    ("issuers.corp.bearer_token_file", "t", Path("t")),
    ("secrets.via", "default", "default"),
    ("secrets.ttl_seconds", 3600, 3600),
    ("secrets.ttl_seconds", "0", 0),
    ("secrets.ignore_transient_errors", False, False),
    ("secrets.keep_warm_seconds", 0, 0),
    ("secrets.cache_megabytes", 4096, 4096),
    ("secrets.prefetch", "prod/*", ("prod/*",)),
    ("secrets.prefetch_tags", ["a", "b=", "c=d=e"], (("a", None), ("b", ""), ("c", "d=e"))),
    ("secrets.events_queue_url", QUEUE, QUEUE),
    ("secrets.events_queue_url", "http://127.0.0.1:4566/1/q", "http://127.0.0.1:4566/1/q"),
    ("secrets.follow_rotation", True, True),
    ("secrets.max_conn", 1000, 1000),
    ("secrets.max_roles", 1, 1),
    ("secrets.path_prefix", "/v1", "/v1"),
    ("secrets.path_prefix", "/my/v1/", "/my/v1/"),
    ("secrets.ssrf_headers", "X-A, X_b", ("X-A", "X_b")),
    ("secrets.max_stale_seconds", 0, 0),
    ("secrets.cache_size", 10000, 10000),
    ("secrets.prefetch", ["a/b", f"{ROLE}-no"], ("a/b", f"{ROLE}-no")),
    ("metadata.app", "web", "web"),
    ("metadata.availability_zone", "us-gov-west-1b", "us-gov-west-1b"),
    ("metadata.availability_zone_id", "usgw1-az12", "usgw1-az12"),
    ("metadata.instance_id", "i-0123abcd", "i-0123abcd"),
    ("metadata.instance_type", "u-6tb1.112xlarge", "u-6tb1.112xlarge"),
    ("metadata.instance_type", "m7i.metal-24xl", "m7i.metal-24xl"),
    ("control.socket", "run/control.sock", "run/control.sock"),
    ("control.socket", "off", "off"),
    ("log.level", "debug", "debug"),
    ("audit.destination", "off", "off"),
    ("audit.destination", "stdout", "stdout"),
    ("audit.destination", "/var/log/audit.jsonl", Path("/var/log/audit.jsonl")),
    ("audit.destination", "./audit", Path("audit")),
    ("audit.max_megabytes", 1, 1),
    ("audit.keep", 100, 100),
    ("audit.chain", True, True),
]

REFUSED: list[tuple[str, Any, str, str]] = [
    ("identity.certificate", 5, f"{NO_TEXT} (got 5)", ""),
    ("identity.private_key", " ", f"{EMPTY} (got ' ')", ""),
    (
        "identity.private_key",
        "pkcs11:object=a?pin-value=1234\0",
        "must not hold a NUL character (got a URI with a PIN)",
        "",
    ),
    ("identity.chain", "a\0b", "must not hold a NUL character (got 'a\\x00b')", ""),
    (
        "identity.certificate",
        "tpm:0x81",
        "is a TPM handle, and a TPM keeps keys only (got 'tpm:0x81')",
        "",
    ),
    ("identity.password_file", ["p"], f"{NO_TEXT} (got ['p'])", ""),
    ("identity.password_env", "the-password-itself", NO_VARIABLE, NAME_IT_TOO),
    ("identity.pkcs11_module", 1, f"{NO_TEXT} (got 1)", ""),
    ("identity.tpm", "", f"{EMPTY} (got '')", ""),
    ("aws.region", "mars", "is not a region's name (got 'mars')", "such as eu-central-1"),
    ("aws.region", "eu-west-1\n", "is not a region's name (got 'eu-west-1\\n')", "such as "),
    ("aws.endpoint_url", "ftp://a", f"{NO_URL} (got 'ftp://a')", "such as http://127.0.0.1"),
    ("aws.endpoint_url", "http://", f"{NO_URL} (got 'http://')", "such as "),
    ("aws.endpoint_url", "http://a:0", f"{NO_URL} (got 'http://a:0')", "such as "),
    ("aws.endpoint_url", "127.0.0.1:4566", f"{NO_URL} (got '127.0.0.1:4566')", "such as "),
    ("aws.endpoint_url", "http://a/b", f"{BARE} (got 'http://a/b')", "such as "),
    ("aws.endpoint_url", "http://u@a", f"{NO_USER} (got '…@a')", "such as "),
    ("aws.endpoint_url", "http://:@a", f"{NO_USER} (got '…@a')", "such as "),
    ("aws.endpoint_url", "http://a:65536", f"{NO_URL} (got 'http://a:65536')", "such as "),
    ("aws.endpoint_url", "http://a?b", f"{BARE} (got 'http://a?b')", "such as "),
    ("aws.endpoint_url", "http://a_b", f"{NO_HOST} (got 'http://a_b')", "such as "),
    ("aws.endpoint_url", "http://a\n", f"{NO_HOST} (got 'http://a\\n')", "such as "),
    ("aws.region", "us-gov-west-1-fips", f"{NO_FIPS} (got 'us-gov-west-1-fips')", "such as "),
    ("aws.region", "fips-us-gov-west-1", f"{NO_FIPS} (got 'fips-us-gov-west-1')", "such as "),
    ("aws.endpoint_url_rolesanywhere", "a", f"{NO_URL} (got 'a')", "such as "),
    ("aws.endpoint_url_sts", "http://a/b", f"{BARE} (got 'http://a/b')", "such as "),
    ("aws.endpoint_url_secretsmanager", 3, f"{NO_TEXT} (got 3)", "such as "),
    ("aws.endpoint_url_ssm", "a", f"{NO_URL} (got 'a')", "such as "),
    ("aws.endpoint_url_sqs", "a", f"{NO_URL} (got 'a')", "such as "),
    ("aws.endpoint_url_iam", "a", f"{NO_URL} (got 'a')", "such as "),
    ("aws.endpoint_url_events", "a", f"{NO_URL} (got 'a')", "such as "),
    ("aws.endpoint_url_sns", "a", f"{NO_URL} (got 'a')", "such as "),
    ("aws.use_fips_endpoint", "yes", f"{NO_FLAG} (got 'yes')", ""),
    ("aws.use_fips_endpoint", 1, f"{NO_FLAG} (got 1)", ""),
    ("aws.use_dualstack_endpoint", [], f"{NO_FLAG} (got [])", ""),
    ("aws.ca_bundle", "", f"{EMPTY} (got '')", ""),
    ("aws.start_spread_seconds", 3601, "must be between 0 and 3600 (got 3601)", ""),
    ("doors.metadata", 9912, 'must be "address:port", a list of them, or "off" (got 9912)', ""),
    ("doors.credentials", "224.0.0.1:9911", f"{MANY} (got '224.0.0.1:9911')", ""),
    ("doors.secrets", ["255.255.255.255:1"], f"{MANY} (got ['255.255.255.255:1'])", ""),
    ("doors.aws_api", "[ff02::1]:2774", f"{MANY} (got '[ff02::1]:2774')", ""),
    ("doors.admin", "sidecar:1", "must begin with an IP address, not a name (got 'sidecar:1')", ""),
    ("doors.allow_remote", "yes", "must be true or false (got 'yes')", ""),
    ("doors.hop_limit", 0, "must be between 1 and 255 (got 0)", ""),
    ("doors.hop_limit", 256, "must be between 1 and 255 (got 256)", ""),
    ("doors.add_link_local", 1, "must be true or false (got 1)", ""),
    *(
        ("doors.allowed_hosts", value, f"{HOSTS} (got {value!r})", "")
        for value in (
            "*",
            "*.internal",
            "sidecar:9911",
            "http://sidecar",
            "a..b",
            "-a",
            "a b",
            "1.2.3",
            "[sidecar]",
            "x" * 64,
        )
    ),
    ("doors.allowed_hosts", "a, A", "names something twice (got 'a, A')", ""),
    *(
        (
            "doors.allowed_hosts",
            value,
            f"must name what clients ask for, and nobody asks for every address (got {value!r})",
            "",
        )
        for value in ("0.0.0.0", "::", "[::]")
    ),
    ("admin.static_token_file", "", "must not be empty (got '')", ""),
    (
        "admin.token_env",
        "hunter2",
        "must be a variable's name: capitals, digits and _",
        "name the variable here",
    ),
    ("roles.default.source", "env", f"{NO_SOURCE} (got 'env')", ""),
    ("roles.default.source", ["x"], f"{NO_SOURCE} (got ['x'])", ""),
    ("roles.chained.source", "", f"{NO_SOURCE} (got '')", ""),
    ("roles.token.source", 1, f"{NO_SOURCE} (got 1)", ""),
    ("roles.default.trust_anchor_arn", "x", f"{NO_ARN} (got 'x')", ANCHOR_HINT),
    (
        "roles.default.trust_anchor_arn",
        PROFILE,
        f"{NO_ANCHOR} (got '{PROFILE}')",
        ANCHOR_HINT,
    ),
    ("roles.default.profile_arn", 7, f"{NO_TEXT} (got 7)", PROFILE_HINT),
    (
        "roles.default.profile_arn",
        PROFILE.replace("eu-central-1", ""),
        "this ARN must name a region (got 'arn:aws:rolesanywhere::123456789012:profile/profile-2')",
        PROFILE_HINT,
    ),
    (
        "roles.default.role_arn",
        "arn:aws:iam::aws:role/web",
        "this ARN must name an account of 12 digits (got 'arn:aws:iam::aws:role/web')",
        "aws iam list-roles shows it",
    ),
    (
        "roles.default.session_duration_seconds",
        899,
        "must be between 900 and 43200 (got 899)",
        "",
    ),
    ("roles.default.session_duration_seconds", True, f"{NO_NUMBER} (got True)", ""),
    ("roles.default.session_duration_seconds", 3600.0, f"{NO_NUMBER} (got 3600.0)", ""),
    ("roles.default.session_duration_seconds", "1h", f"{NO_NUMBER} (got '1h')", ""),
    ("roles.default.role_session_name", "a b", f"{NO_NAME} (got 'a b')", ""),
    ("roles.chained.role_arn", MANAGED, f"{NO_ROLE} (got '{MANAGED}')", "aws iam list-roles"),
    ("roles.chained.via", 1, f"{NO_TEXT} (got 1)", "name a role"),
    ("roles.chained.external_id", "a", f"{NO_ID} (got 'a')", ""),
    ("roles.chained.external_id", "a b", f"{NO_ID} (got 'a b')", ""),
    ("roles.chained.session_duration_seconds", 3601, f"{TOO_LONG} (got 3601)", ""),
    ("roles.chained.session_duration_seconds", 899, f"{TOO_LONG} (got 899)", ""),
    ("roles.chained.role_session_name", "{pid}", f"{NO_FIELD} (got '{{pid}}')", ""),
    ("roles.chained.session_tags", {"a": 1}, "must be a table of texts (got {'a': 1})", ""),
    ("roles.chained.session_tags", ["a"], "must be a table of texts (got ['a'])", ""),
    (
        "roles.chained.session_tags",
        "a",
        "must be key=value, with commas between several (got 'a')",
        "",
    ),
    ("roles.chained.session_tags", "a=1, a =2", "says a key twice (got 'a=1, a =2')", ""),
    ("roles.chained.session_tags", {"": "a"}, f"{LONG_TAG} (got {{'': 'a'}})", ""),
    ("roles.chained.session_tags", "a=" + "b" * 257, f"{LONG_TAG} (got 'a=" + "b" * 77 + "…)", ""),
    ("roles.chained.session_tags", {"a": "?"}, f"{ODD_TAG} (got {{'a': '?'}})", ""),
    (
        "roles.chained.session_tags",
        {"a": "1", "A": "2"},
        "has keys that differ in their case only, which STS refuses (got {'a': '1', 'A': '2'})",
        "",
    ),
    (
        "roles.chained.session_tags",
        {"AWS:a": "1"},
        "has a key that begins with aws:, which AWS keeps for itself (got {'AWS:a': '1'})",
        "",
    ),
    (
        "roles.chained.session_tags",
        ",".join(f"a{n}=" for n in range(51)),
        f"has more than 50 tags (got '{','.join(f'a{n}=' for n in range(51))[:79]}…)",
        "",
    ),
    ("roles.chained.transitive_tag_keys", {}, f"{NO_LIST} (got {{}})", ""),
    ("roles.chained.policy", "{", "is not JSON (got '{')", ""),
    ("roles.chained.policy", "[" * 2000, f"is not JSON (got '{'[' * 79}…)", ""),
    ("roles.chained.policy", "[]", f"{NO_POLICY} (got '[]')", ""),
    ("roles.chained.policy", '{"Action": "*"}', f'{NO_POLICY} (got \'{{"Action": "*"}}\')', ""),
    ("roles.chained.policy_file", "", f"{EMPTY} (got '')", ""),
    ("roles.chained.policy_arns", [], f"{NO_LIST} (got [])", ""),
    (
        "roles.chained.policy_arns",
        ROLE,
        f"must be ARNs of policies: …:iam::…:policy/… (got '{ROLE}')",
        "",
    ),
    ("roles.chained.region", "eu", "is not a region's name (got 'eu')", "such as "),
    ("roles.token.token_file", "a\0", "must not hold a NUL character (got 'a\\x00')", ""),
    ("roles.token.role_arn", "x", f"{NO_ARN} (got 'x')", "aws iam list-roles"),
    (
        "roles.token.session_duration_seconds",
        43201,
        "must be between 900 and 43200 (got 43201)",
        "",
    ),
    ("roles.token.role_session_name", "a", "must be 2 to 64 characters (got 'a')", ""),
    (
        "roles.token.policy",
        f'{{"Statement": "{"x" * 2035}"}}',
        f'is longer than the 2048 characters that STS takes (got \'{{"Statement": "{"x" * 64}…)',
        "",
    ),
    ("roles.token.policy_file", 1, f"{NO_TEXT} (got 1)", ""),
    ("roles.token.policy_arns", "x", f"{NO_ARN} (got 'x')", ""),
    (
        "roles.token.policy_arns",
        ",".join([MANAGED] * 11),
        f"names more than the 10 policies that STS takes (got '{','.join([MANAGED] * 11)[:79]}…)",
        "",
    ),
    ("roles.token.region", "", f"{EMPTY} (got '')", "such as "),
    ("apps.web.roles", ["a", "a"], "names something twice (got ['a', 'a'])", ""),
    ("apps.web.roles", [], f"{NO_LIST} (got [])", ""),
    ("apps.web.secrets", ["a", 1], f"{NO_TEXT} (got ['a', 1])", ""),
    ("apps.web.secrets", {"a": 1}, f"{NO_LIST} (got {{'a': 1}})", ""),
    ("apps.web.parameters", 1, f"{NO_LIST} (got 1)", ""),
    ("apps.web.assume_roles", "reader", f"{NO_ARN_PATTERN} (got 'reader')", ""),
    ("apps.web.assume_roles", [""], f"{EMPTY} (got [''])", ""),
    ("apps.web.static_token_file", 1.5, f"{NO_TEXT} (got 1.5)", ""),
    ("apps.web.token_env", "", EMPTY, NAME_IT),
    ("apps.web.deny_secrets", [], f"{NO_LIST} (got [])", ""),
    *(
        (f"apps.web.{key}", "arn:aws:x", f"{NO_NAME_PATTERN} (got 'arn:aws:x')", "")
        for key in ("secrets", "deny_secrets", "parameters", "deny_parameters")
    ),
    ("apps.web.deny_parameters", [1], f"{NO_TEXT} (got [1])", ""),
    ("apps.web.token_file", "", f"{EMPTY} (got '')", ""),
    ("apps.web.token_file_mode", "0666", "lets everybody write (got '0666')", ""),
    ("apps.web.token_file_owner", -1, f"{NO_ACCOUNT} (got -1)", ""),
    ("apps.web.token_file_group", "", f"{EMPTY} (got '')", ""),
    ("apps.web.not_before", "yesterday", f"{NO_MOMENT} (got 'yesterday')", ""),
    ("tokens.algorithm", "none", "must be one of EdDSA, HS256 (got 'none')", ""),
    ("tokens.key_file", 1, f"{NO_TEXT} (got 1)", ""),
    ("tokens.audience", "", f"{EMPTY} (got '')", ""),
    ("tokens.lifetime_seconds", 59, "must be between 60 and 31622400 (got 59)", ""),
    ("tokens.grace_seconds", -1, "must be between 0 and 31622400 (got -1)", ""),
    ("tokens.not_before", "2026-11-29T10:00:00", f"{NO_MOMENT} (got '2026-11-29T10:00:00')", ""),
    ("tokens.not_before", 1, f"{NO_MOMENT} (got 1)", ""),
    ("tokens.revoked", "", f"{EMPTY} (got '')", ""),
    ("roles.default.shared_session", "maybe", f"{NO_FLAG} (got 'maybe')", ""),
    ("roles.chained.shared_session", 1, f"{NO_FLAG} (got 1)", ""),
    ("roles.token.shared_session", "", f"{NO_FLAG} (got '')", ""),
    ("roles.legacy.source", "env", f"{NO_SOURCE} (got 'env')", ""),
    ("roles.legacy.secret_id", "", f"{EMPTY} (got '')", "aws secretsmanager list-secrets shows it"),
    ("roles.legacy.region", "mars", "is not a region's name (got 'mars')", "such as "),
    ("roles.legacy.shared_session", "maybe", f"{NO_FLAG} (got 'maybe')", ""),
    ("roles.legacy.via", 5, f"{NO_TEXT} (got 5)", "name a role"),
    ("roles.legacy.exchange", "sts", "must be one of none, session-token (got 'sts')", ""),
    *(
        (
            "roles.legacy.session_duration_seconds",
            seconds,
            f"must be between 900 and 129600 (got {seconds})",
            "",
        )
        for seconds in (899, 129601)
    ),
    ("apps.web.token_env", "a-token-in-place-of-a-name", NO_VARIABLE, NAME_IT),
    ("apps.web.token_env", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", NO_VARIABLE, NAME_IT),
    ("apps.web.issuer", 1, f"{NO_TEXT} (got 1)", ""),
    ("apps.web.subject", "*", f"{EVERYBODY} (got '*')", ""),
    ("apps.web.subject", "**", f"{EVERYBODY} (got '**')", ""),
    ("apps.web.claims", {}, f"{NO_CLAIMS} (got {{}})", ""),
    ("apps.web.claims", ["a=b"], f"{NO_CLAIMS} (got ['a=b'])", ""),
    ("apps.web.claims", {"a": True}, "must say in a text what a is (got {'a': True})", ""),
    ("apps.web.claims", "a", "must say in a text what a is (got 'a')", ""),
    ("apps.web.claims", "a=b,a=c", "names something twice (got 'a=b,a=c')", ""),
    ("apps.web.claims", {"/a//b": "c"}, f"{NO_POINTER} (got {{'/a//b': 'c'}})", ""),
    ("apps.web.claims", {"/a~2": "c"}, f"{NO_POINTER} (got {{'/a~2': 'c'}})", ""),
    ("apps.web.claims", {"": "c"}, f"{NO_POINTER} (got {{'': 'c'}})", ""),
    ("apps.web.claims", {"a.b/c": "d"}, f"{NO_SLASH} (got {{'a.b/c': 'd'}})", ""),
    ("issuers.corp.issuer", "", f"{EMPTY} (got '')", ""),
    ("issuers.corp.audience", [], f"{NO_LIST} (got [])", ""),
    ("issuers.corp.jwks_file", 1, f"{NO_TEXT} (got 1)", ""),
    ("issuers.corp.jwks_url", "http://a/jwks", f"{NOT_SAFE} (got 'http://a/jwks')", ""),
    ("issuers.corp.jwks_url", "file:///jwks", f"{NO_KEYS_URL} (got 'file:///jwks')", ""),
    ("issuers.corp.jwks_url", "ftp://a/", f"{NOT_SAFE} (got 'ftp://a/')", ""),
    ("issuers.corp.jwks_url", "https://u@a/", f"{NO_USER} (got '…@a/')", ""),
    ("issuers.corp.jwks_url", "https://[a/", f"{NO_KEYS_URL} (got 'https://[a/')", ""),
    ("issuers.corp.jwks_url", "https://a:x/", f"{NO_KEYS_URL} (got 'https://a:x/')", ""),
    ("issuers.corp.jwks_url", "https://a/ b", f"{NO_KEYS_URL} (got 'https://a/ b')", ""),
    ("issuers.corp.jwks_url", "https://a..b/", f"{NO_KEYS_URL} (got 'https://a..b/')", ""),
    ("issuers.corp.jwks_url", "https://xn--/", f"{NO_KEYS_URL} (got 'https://xn--/')", ""),
    ("issuers.corp.jwks_url", "https://a/#b", f"{NO_KEYS_URL} (got 'https://a/#b')", ""),
    ("issuers.corp.algorithms", "HS256", f"{SHARED} (got 'HS256')", ""),
    ("issuers.corp.algorithms", ["RS256", "nOnE"], f"{SHARED} (got ['RS256', 'nOnE'])", ""),
    (
        "issuers.corp.algorithms",
        "ES256K",
        f"must be some of {', '.join(ALGORITHMS)} (got 'ES256K')",
        "",
    ),
    ("issuers.corp.leeway_seconds", 301, "must be between 0 and 300 (got 301)", ""),
    ("issuers.corp.max_lifetime_seconds", 59, "must be between 60 and 31622400 (got 59)", ""),
    ("issuers.corp.refresh_seconds", 9, "must be between 10 and 86400 (got 9)", ""),
    ("issuers.corp.ca_bundle", "", f"{EMPTY} (got '')", ""),
    ("issuers.corp.bearer_token_file", 1, f"{NO_TEXT} (got 1)", ""),
    ("secrets.via", False, f"{NO_TEXT} (got False)", ""),
    ("secrets.ttl_seconds", 3601, "must be between 0 and 3600 (got 3601)", ""),
    ("secrets.max_stale_seconds", -1, "must be between 0 and 604800 (got -1)", ""),
    ("secrets.ignore_transient_errors", "no", "must be true or false (got 'no')", ""),
    ("secrets.keep_warm_seconds", 86401, "must be between 0 and 86400 (got 86401)", ""),
    ("secrets.cache_size", 10001, "must be between 1 and 10000 (got 10001)", ""),
    ("secrets.cache_megabytes", 0, "must be between 1 and 4096 (got 0)", ""),
    ("secrets.prefetch", [], f"{NO_LIST} (got [])", ""),
    ("secrets.prefetch_tags", "=a", f"{NO_TAG} (got '=a')", ""),
    ("secrets.prefetch_tags", ["k" * 129], f"{NO_TAG} (got ['{'k' * 78}…)", ""),
    ("secrets.events_queue_url", "https://a/1", f"{NO_QUEUE} (got 'https://a/1')", ""),
    ("secrets.events_queue_url", "sqs", f"{NO_QUEUE} (got 'sqs')", ""),
    ("secrets.events_queue_url", f"{QUEUE}?a", f"{NO_QUEUE} (got '{QUEUE}?a')", ""),
    ("secrets.events_queue_url", "http://[a/1/q", f"{NO_QUEUE} (got 'http://[a/1/q')", ""),
    ("secrets.events_queue_url", "http://u@a/1/q", f"{NO_USER} (got '…@a/1/q')", ""),
    ("secrets.follow_rotation", 1, "must be true or false (got 1)", ""),
    ("secrets.max_conn", 1001, "must be between 1 and 1000 (got 1001)", ""),
    ("secrets.max_roles", 0, "must be between 1 and 20 (got 0)", ""),
    ("secrets.path_prefix", "v1/", f"{NO_PREFIX} (got 'v1/')", ""),
    ("secrets.path_prefix", "/a?b/", f"{NO_PREFIX} (got '/a?b/')", ""),
    ("secrets.ssrf_headers", "X A", "holds a name that no header can have (got 'X A')", ""),
    ("secrets.ssrf_headers", "", f"{EMPTY} (got '')", ""),
    ("metadata.app", 1, f"{NO_TEXT} (got 1)", ""),
    ("metadata.availability_zone", "eu-west-1", f"{NO_ZONE} (got 'eu-west-1')", ""),
    ("metadata.availability_zone", "a\nb", f"{NO_ZONE} (got 'a\\nb')", ""),
    ("metadata.availability_zone_id", "a", f"{NO_ZONE_ID} (got 'a')", ""),
    ("metadata.instance_id", "i-0123", f"{NO_INSTANCE} (got 'i-0123')", ""),
    ("metadata.instance_type", "large", "is not an instance's type (got 'large')", ""),
    ("control.socket", "", "must not be empty (got '')", ""),
    ("audit.destination", "syslog", f"{NO_DESTINATION} (got 'syslog')", AUDIT_HINT),
    ("audit.destination", "/var/log/", f"{NO_DESTINATION} (got '/var/log/')", AUDIT_HINT),
    ("audit.destination", "a\0.b", "must not hold a NUL character (got 'a\\x00.b')", AUDIT_HINT),
    ("audit.max_megabytes", 0, "must be between 1 and 10240 (got 0)", ""),
    ("audit.keep", 0, "must be between 1 and 100 (got 0)", ""),
    ("audit.chain", "yes", f"{NO_FLAG} (got 'yes')", ""),
    ("log.level", "loud", "must be one of debug, info, warning, error (got 'loud')", ""),
]


EVERY_OPTION = {
    f"{section}.{key}": option
    for section, schema in SCHEMAS.items()
    for key, option in options_of(schema).items()
}


@pytest.fixture
def sound(sound: dict[str, Any]) -> dict[str, Any]:
    """Give the sound configuration with a role of each source, and an issuer."""
    sound["roles"] |= {"chained": dict(CHAINED), "token": dict(TOKEN), "legacy": dict(LEGACY)}
    sound["issuers"] = {"corp": dict(ISSUER)}
    return sound


def _put(table: dict[str, Any], place: str, value: object) -> None:
    *sections, key = place.split(".")
    for part in sections:
        table = table.setdefault(part, {})
    table[key] = value


def _read(loaded: Loaded, place: str) -> object:
    name, *entry, key = place.split(".")
    part = getattr(loaded.config, name)
    return getattr(part[entry[0]] if entry else part, key)


@pytest.mark.parametrize(("place", "value", "read"), ACCEPTED)
def test_a_right_value_is_accepted_and_read(
    load: Callable[..., Loaded], sound: dict[str, Any], place: str, value: object, read: object
) -> None:
    _put(sound, place, value)
    assert _read(load(sound), place) == read


@pytest.mark.parametrize(("place", "value", "what", "hint"), REFUSED)
def test_a_wrong_value_is_refused_with_what_was_got_and_a_hint(
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
    place: str,
    value: object,
    what: str,
    hint: str,
) -> None:
    _put(sound, place, value)
    [problem] = problems(sound)
    assert str(problem) == f"{place}: {what}"
    assert problem.hint.startswith(hint)
    assert bool(problem.hint) == bool(hint)


@pytest.mark.parametrize("rows", [ACCEPTED, REFUSED], ids=["accepted", "refused"])
def test_the_tables_above_leave_no_option_out(rows: list[tuple[str, object]]) -> None:
    assert {row[0] for row in rows} == set(EVERY_OPTION)


@pytest.mark.parametrize("place", EVERY_OPTION)
def test_the_example_of_every_option_is_accepted(
    load: Callable[..., Loaded], sound: dict[str, Any], place: str
) -> None:
    example = EVERY_OPTION[place][0].example
    assert example, "the option has no example"
    _put(sound, place, example)
    assert str(_read(load(sound), place)) != "None"


@pytest.mark.parametrize(
    "place", [place for place, (option, _) in EVERY_OPTION.items() if not option.required]
)
def test_an_option_left_out_has_its_default(
    load: Callable[..., Loaded], sound: dict[str, Any], place: str
) -> None:
    name, *entry, key = place.split(".")
    section = sound.get(name, {})
    (section.get(entry[0], {}) if entry else section).pop(key, None)
    assert _read(load(sound), place) == EVERY_OPTION[place][1]


@pytest.mark.parametrize(
    "place",
    [
        place
        for place, (option, _) in EVERY_OPTION.items()
        # Without its source a role is one of roles-anywhere.
        if option.required and not place.endswith(".source")
    ],
)
def test_a_required_option_left_out_is_missed(
    problems: Callable[..., list[Problem]], sound: dict[str, Any], place: str
) -> None:
    name, *entry, key = place.split(".")
    del (sound[name][entry[0]] if entry else sound[name])[key]
    assert [str(each) for each in problems(sound)] == [f"{place}: is missing"]
