"""The options of `[identity]`: the certificate and the private key."""

from dataclasses import dataclass
from pathlib import Path

from sidecar.config.option import locator, option, path, text, variable


def certificate_locator(value: object) -> str:
    """Read where a certificate is kept."""
    found = locator(value)
    if found.startswith(("tpm:", "handle:")):
        raise ValueError("is a TPM handle, and a TPM keeps keys only")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySection:
    """The X.509 certificate and private key; needed as soon as a role comes from Roles Anywhere."""

    certificate: str = option(
        certificate_locator,
        "File with the certificate, PEM (may hold its issuers, and the key) or PKCS#12, or a "
        "`pkcs11:` URI.",
        example="workload.pem",
    )
    private_key: str | None = option(
        locator,
        "File with the private key, a `pkcs11:` URI, or a TPM handle such as `tpm:0x81000001`. "
        "Default: where the certificate is.",
        default=None,
        example="workload.key",
    )
    chain: Path | None = option(
        path, "PEM file with intermediate certificates.", default=None, example="chain.pem"
    )
    password_file: Path | None = option(
        path,
        "File with the password of an encrypted key, or the PIN of a token; one newline at its "
        "end is ignored.",
        default=None,
        example="workload.password",
    )
    password_env: str | None = option(
        variable,
        "Variable of the sidecar that holds that password or PIN.",
        default=None,
        example="WORKLOAD_PASSWORD",
        hint="name the variable here, and put the password into that variable",
        may_be_shown=False,
    )
    pkcs11_module: Path | None = option(
        path,
        "Shared library of the PKCS#11 token. Default: p11-kit's.",
        default=None,
        example="/usr/lib/softhsm/libsofthsm2.so",
    )
    tpm: str | None = option(
        text,
        "How the TPM is reached, as a TCTI. Default: the kernel's resource manager.",
        default=None,
        example="device:/dev/tpmrm0",
    )
