"""A private certificate authority that issues what IAM Roles Anywhere accepts."""

from sidecar.ca.authority import Authority, create_intermediate, create_root
from sidecar.ca.keys import (
    KeyKind,
    MlDsaPrivateKey,
    PrivateKey,
    PublicKey,
    generate_key,
    private_key_pem,
)
from sidecar.ca.leaf import (
    Workload,
    certificate_pem,
    certify_workload,
    issue_server,
    issue_workload,
)
from sidecar.ca.subject import Subject

__all__ = [
    "Authority",
    "KeyKind",
    "MlDsaPrivateKey",
    "PrivateKey",
    "PublicKey",
    "Subject",
    "Workload",
    "certificate_pem",
    "certify_workload",
    "create_intermediate",
    "create_root",
    "generate_key",
    "issue_server",
    "issue_workload",
    "private_key_pem",
]
