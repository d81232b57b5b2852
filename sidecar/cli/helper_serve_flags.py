"""What to set in place of the flags of ``aws_signing_helper serve``, told where one is given."""

import argparse
from typing import Final

_ROLE: Final = "set SIDECAR_{0}, or {1} of a role in the configuration"
_STORE: Final = "give nothing: it selects from a key store of Windows or macOS"
INSTEAD: Final = {
    "--certificate": "set SIDECAR_CERTIFICATE",
    "--private-key": "set SIDECAR_PRIVATE_KEY",
    "--intermediates": "set SIDECAR_CHAIN",
    "--pkcs8-password": "set SIDECAR_PASSWORD_FILE",
    "--tpm-key-password": "set SIDECAR_PASSWORD_FILE",
    "--no-tpm-key-password": "set no password at all",
    "--pkcs11-lib": "set SIDECAR_IDENTITY_PKCS11_MODULE",
    "--reuse-pin": "give nothing: a PIN is asked for once",
    "--trust-anchor-arn": _ROLE.format("TRUST_ANCHOR_ARN", "trust_anchor_arn"),
    "--profile-arn": _ROLE.format("PROFILE_ARN", "profile_arn"),
    "--role-arn": _ROLE.format("ROLE_ARN", "role_arn"),
    "--session-duration": _ROLE.format("SESSION_DURATION_SECONDS", "session_duration_seconds"),
    "--role-session-name": "set role_session_name of a role in the configuration",
    "--region": "give nothing: the trust anchor's is used",
    "--endpoint": "set AWS_ENDPOINT_URL_ROLESANYWHERE",
    "--no-verify-ssl": "set AWS_CA_BUNDLE",
    "--with-proxy": "give nothing: HTTPS_PROXY is always used",
    "--debug": "give --log-level debug",
    "--cert-selector": _STORE,
    "--system-store-name": _STORE,
    "--system-store-location": _STORE,
    "--use-latest-expiring-certificate": _STORE,
    "--port": "set SIDECAR_DOORS_CREDENTIALS=127.0.0.1:PORT",
    "--hop-limit": "set SIDECAR_DOORS_HOP_LIMIT",
}


def add_helper_flags(parser: argparse.ArgumentParser) -> None:
    """Declare them, so that each is refused by name."""
    for name in INSTEAD:
        parser.add_argument(name, action=_Refused, nargs="?", help=argparse.SUPPRESS)


class _Refused(argparse.Action):
    """A flag of the signing helper that is configuration here."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 - as argparse calls it
        values: object,  # noqa: ARG002 - same
        option_string: str | None = None,
    ) -> None:
        parser.error(
            f"serve is configured by variables or a file: in place of {option_string} "
            f"{INSTEAD[self.option_strings[0]]} (docs/from-signing-helper.md has every flag)"
        )
