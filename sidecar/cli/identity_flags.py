"""The flags that say where certificate and private key are, and what opens them."""

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sidecar.cli.flag_values import add_switch, optional
from sidecar.errors import IdentityError, OperatorError
from sidecar.identity.password import (
    NoPassword,
    NoPasswordSource,
    Password,
    PasswordFile,
    PasswordGiven,
    PasswordPrompt,
    PasswordVariable,
)
from sidecar.identity.pkcs11_uri import NoModule
from sidecar.identity.places import IdentityPlaces, is_tpm
from sidecar.redaction import Secret

# The signing helper has them for the key stores of Windows and macOS.
_STORE_FLAGS: Final = (
    "--cert-selector",
    "--system-store-name",
    "--system-store-location",
    "--use-latest-expiring-certificate",
)
# The name that `serve` has for it.
_TCTI_VARIABLE: Final = "SIDECAR_IDENTITY_TPM"
# Each says where the one password comes from. The helper forbids the other pairs too.
_PASSWORDS: Final = (
    "--password-file",
    "--password-env",
    "--pkcs8-password",
    "--tpm-key-password",
    "--no-tpm-key-password",
)
_ALONE: Final = (
    *((one, other) for i, one in enumerate(_PASSWORDS) for other in _PASSWORDS[i + 1 :]),
    ("--reuse-pin", "--tpm-key-password"),
    ("--reuse-pin", "--no-tpm-key-password"),
)


def add_identity_arguments(parser: argparse.ArgumentParser, *, chain: bool = True) -> None:
    """Declare the flags; `chain` says whether the command sends intermediates."""
    where = parser.add_argument
    where(
        "--certificate",
        type=optional(str),
        metavar="PLACE",
        help="file (PEM or PKCS#12) or pkcs11: URI (default: the private key's place)",
    )
    where(
        "--private-key",
        type=optional(str),
        metavar="PLACE",
        help="file, pkcs11: URI or handle:0x81… of a TPM (default: the certificate's place)",
    )
    if chain:
        where(
            "--intermediates",
            type=optional(Path),
            metavar="FILE",
            help="PEM intermediate certificates; they may follow the certificate in its file too",
        )
    add_password_arguments(parser)
    _add_helper_s_passwords(parser)
    add_library_argument(parser)
    where(
        "--tpm-tcti",
        type=optional(str),
        metavar="TCTI",
        help=f"how the TPM is reached (default: {_TCTI_VARIABLE}, else device:/dev/tpmrm0)",
    )
    add_switch(parser, "--reuse-pin", help_text="no effect: a token's PIN is asked for once")
    add_store_arguments(parser)


def add_password_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say where a password is, without telling it to anybody."""
    parser.add_argument(
        "--password-file",
        type=optional(Path),
        metavar="FILE",
        help="password of the private key, PIN of the token (default: asked for at the terminal)",
    )
    parser.add_argument(
        "--password-env",
        type=optional(str),
        metavar="NAME",
        help="name of the variable that holds that password",
    )


def _add_helper_s_passwords(parser: argparse.ArgumentParser) -> None:
    for name, of in (("--pkcs8-password", "an encrypted key"), ("--tpm-key-password", "a TPM key")):
        parser.add_argument(
            name,
            type=optional(Secret),
            metavar="PASSWORD",
            help=f"password of {of}, which every user here can see: prefer --password-file",
        )
    add_switch(parser, "--no-tpm-key-password", help_text="never ask for a password of a TPM key")


def add_library_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the flag that names a PKCS#11 library."""
    parser.add_argument(
        "--pkcs11-lib",
        type=optional(Path),
        metavar="FILE",
        help="PKCS#11 library of the token (default: p11-kit's proxy)",
    )


def add_store_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of key stores that Linux does not have, so that they can be told of."""
    for name in _STORE_FLAGS:
        parser.add_argument(name, action=_Refused, nargs="?", help=argparse.SUPPRESS)


class _Refused(argparse.Action):
    """A flag of the signing helper that has nothing to work on here."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 - as argparse calls it
        values: object,  # noqa: ARG002 - same
        option_string: str | None = None,
    ) -> None:
        parser.error(
            f"{option_string} selects from a key store of Windows or macOS, and this is neither: "
            "give --certificate and --private-key"
        )


def identity_places(
    arguments: argparse.Namespace, environment: Mapping[str, str]
) -> IdentityPlaces:
    """Say where the identity is, by the flags.

    Args:
        arguments: parsed with `add_identity_arguments`.
        environment: where a password in a variable is looked up, and the TPM's TCTI where no flag
            says it.

    Raises:
        OperatorError: flags that contradict each other, or no identity at all.

    """
    certificate = arguments.certificate or arguments.private_key
    if certificate is None:
        raise OperatorError(
            "neither --certificate nor --private-key is given",
            hint="give --certificate and --private-key, each a file or a pkcs11: URI",
        )
    if is_tpm(certificate):
        raise OperatorError(
            f"a TPM holds no certificate: {certificate}", hint="give --certificate FILE too"
        )
    return IdentityPlaces(
        certificate=certificate,
        private_key=arguments.private_key,
        chain=getattr(arguments, "intermediates", None),
        password=password_source(arguments, environment),
        pkcs11_module=arguments.pkcs11_lib,
        tpm=arguments.tpm_tcti or environment.get(_TCTI_VARIABLE) or None,
    )


def password_source(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Password:
    """Say where the password comes from, by those of the flags that the command has.

    Raises:
        OperatorError: flags that contradict each other.

    """
    for one, other in _ALONE:
        if _given(arguments, one) and _given(arguments, other):
            raise OperatorError(f"{one} and {other} exclude each other", hint="give one of the two")
    if arguments.password_file is not None:
        return PasswordFile(arguments.password_file)
    if arguments.password_env is not None:
        return PasswordVariable(arguments.password_env, environment)
    if _given(arguments, "--no-tpm-key-password"):
        return NoPasswordSource()
    given = _given(arguments, "--pkcs8-password") or _given(arguments, "--tpm-key-password")
    return PasswordGiven(given) if isinstance(given, Secret) else PasswordPrompt()


def _given(arguments: argparse.Namespace, flag: str) -> object:
    return getattr(arguments, flag.removeprefix("--").replace("-", "_"), None)


@contextlib.contextmanager
def identity_told_by_flag() -> Iterator[None]:
    """Let what lacks be told in terms of the flags, and not of the configuration's options."""
    try:
        yield
    except NoPassword as exc:
        raise IdentityError(
            exc.message, hint="give --password-file or --password-env: there is no terminal here"
        ) from None
    except NoModule as exc:
        raise IdentityError(
            exc.message,
            hint="give the module of your token by --pkcs11-lib, or module-path in the URI, or "
            "install p11-kit-modules",
        ) from None
