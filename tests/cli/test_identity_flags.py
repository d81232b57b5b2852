"""Where an identity is, by the signing helper's flags and our own."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sidecar.cli import build_parser
from sidecar.cli.identity_flags import identity_places, identity_told_by_flag
from sidecar.errors import IdentityError, OperatorError
from sidecar.identity.password import (
    NoPassword,
    NoPasswordSource,
    PasswordFile,
    PasswordGiven,
    PasswordPrompt,
    PasswordVariable,
)
from sidecar.identity.pkcs11_uri import NoModule
from sidecar.identity.places import IdentityPlaces
from sidecar.redaction import Secret

ENVIRONMENT: Mapping[str, str] = {"PIN": "1234"}
CERTIFICATE = ["--certificate", "a.pem"]
SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
ARNS = [
    f"--trust-anchor-arn={SCOPE}:trust-anchor/a",
    f"--profile-arn={SCOPE}:profile/p",
    "--role-arn=arn:aws:iam::123456789012:role/r",
]
TOKEN = "pkcs11:token=t;object=o"


def _places(*words: str) -> IdentityPlaces:
    # The command with the fewest other flags that must be given.
    return identity_places(build_parser("sign-string").parse_args(words), ENVIRONMENT)


@pytest.mark.parametrize(
    ("words", "certificate", "private_key"),
    [
        (["--certificate", "a.pem"], "a.pem", None),
        (["--certificate=a.pem", "--private-key=a.key"], "a.pem", "a.key"),
        (["--private-key", "both.pem"], "both.pem", "both.pem"),
        (["--private-key", TOKEN], TOKEN, TOKEN),
        (["--certificate", TOKEN, "--private-key", ""], TOKEN, None),
        (["--certificate=a.pem", "--private-key=handle:0x81000001"], "a.pem", "handle:0x81000001"),
        (["--certificate", "a.pem", "--certificate", "b.pem"], "b.pem", None),
    ],
)
def test_an_identity_is_found_by_either_flag(
    words: list[str], certificate: str, private_key: str | None
) -> None:
    places = _places(*words)
    assert (places.certificate, places.private_key) == (certificate, private_key)


@pytest.mark.parametrize(
    ("words", "password"),
    [
        ([], PasswordPrompt()),
        (["--password-file=p"], PasswordFile(Path("p"))),
        (["--password-env=PIN"], PasswordVariable("PIN", ENVIRONMENT)),
        (["--pkcs8-password", "p w"], PasswordGiven(Secret("p w"))),
        (["--pkcs8-password", ""], PasswordPrompt()),
        (["--tpm-key-password=p"], PasswordGiven(Secret("p"))),
        (["--no-tpm-key-password"], NoPasswordSource()),
        (["--no-tpm-key-password=false", "--tpm-key-password=p"], PasswordGiven(Secret("p"))),
        (["--reuse-pin"], PasswordPrompt()),
        (["--reuse-pin=true", "--password-env=PIN"], PasswordVariable("PIN", ENVIRONMENT)),
    ],
)
def test_the_password_comes_from_one_place(words: list[str], password: object) -> None:
    assert _places(*CERTIFICATE, *words).password == password


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("--password-file=p", "--password-env=PIN"),
        ("--password-file=p", "--pkcs8-password=p"),
        ("--password-env=PIN", "--no-tpm-key-password"),
        ("--pkcs8-password=p", "--tpm-key-password=p"),
        ("--tpm-key-password=p", "--no-tpm-key-password"),
        ("--reuse-pin", "--tpm-key-password=p"),
        ("--reuse-pin", "--no-tpm-key-password"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(one: str, other: str) -> None:
    names = [each.split("=")[0] for each in (one, other)]
    for words in ([one, other], [other, one]):
        with pytest.raises(OperatorError) as refused:
            _places(*CERTIFICATE, *words)
        assert refused.value.message == f"{names[0]} and {names[1]} exclude each other"


def test_a_token_s_library_and_intermediates_are_taken() -> None:
    parser = build_parser("credential-process")
    words = [*ARNS, *CERTIFICATE, "--intermediates=i.pem", "--pkcs11-lib=/lib/t.so"]
    places = identity_places(parser.parse_args(words), ENVIRONMENT)
    assert (places.chain, places.pkcs11_module) == (Path("i.pem"), Path("/lib/t.so"))
    nothing = parser.parse_args([*ARNS, *CERTIFICATE, "--intermediates=", "--pkcs11-lib="])
    assert identity_places(nothing, ENVIRONMENT).chain is None


@pytest.mark.parametrize("words", [[], ["--certificate="], ["--password-file=x"]])
def test_without_an_identity_the_message_speaks_of_flags_not_of_windows(words: list[str]) -> None:
    with pytest.raises(OperatorError) as refused:
        _places(*words)
    assert refused.value.message == "neither --certificate nor --private-key is given"
    assert (
        refused.value.hint == "give --certificate and --private-key, each a file or a pkcs11: URI"
    )


@pytest.mark.parametrize(
    ("words", "environment", "tpm"),
    [
        ([], {}, None),
        ([], {"SIDECAR_IDENTITY_TPM": ""}, None),
        ([], {"SIDECAR_IDENTITY_TPM": "swtpm:port=1"}, "swtpm:port=1"),
        (["--tpm-tcti="], {"SIDECAR_IDENTITY_TPM": "swtpm:port=1"}, "swtpm:port=1"),
        (["--tpm-tcti=device:/dev/tpm0"], {"SIDECAR_IDENTITY_TPM": "x"}, "device:/dev/tpm0"),
    ],
)
def test_a_tpm_is_reached_as_the_flag_or_else_the_variable_says(
    words: list[str], environment: Mapping[str, str], tpm: str | None
) -> None:
    for command in ("sign-string", "credential-process", "update"):
        session = [] if command == "sign-string" else ARNS
        arguments = build_parser(command).parse_args([*session, *CERTIFICATE, *words])
        assert identity_places(arguments, environment).tpm == tpm


def test_a_tpm_s_handle_alone_is_refused() -> None:
    with pytest.raises(OperatorError, match="a TPM holds no certificate: handle:0x81000001"):
        _places("--private-key", "handle:0x81000001")


@pytest.mark.parametrize("command", ["sign-string", "read-certificate-data"])
@pytest.mark.parametrize(
    "words",
    [
        ["--cert-selector", "Key=x509Subject,Value=CN=web"],
        ["--cert-selector=file://selector.json"],
        ["--system-store-name", "MY"],
        ["--system-store-location=LocalMachine"],
        ["--use-latest-expiring-certificate"],
    ],
)
def test_key_stores_of_other_systems_are_refused_by_name(
    refusal: Callable[..., str], command: str, words: list[str]
) -> None:
    assert refusal(command, *CERTIFICATE, *words, code=2).splitlines()[0] == (
        f"sidecar: {words[0].split('=')[0]} selects from a key store of Windows or macOS, and this "
        "is neither: give --certificate and --private-key"
    )


@pytest.mark.parametrize("value", ["yes", "", "2"])
def test_a_switch_is_true_or_false(refusal: Callable[..., str], value: str) -> None:
    said = refusal("sign-string", *CERTIFICATE, f"--reuse-pin={value}", code=2)
    assert said.startswith(f"sidecar: argument --reuse-pin: must be true or false (got {value!r})")


def test_a_password_on_the_command_line_is_in_no_message(refusal: Callable[..., str]) -> None:
    words = ["--certificate=/nowhere.pem", "--pkcs8-password=canary", "--tpm-key-password=canary"]
    assert "canary" not in refusal("sign-string", *words)


@pytest.mark.parametrize("problem", [NoModule("none could be loaded"), NoPassword("the key")])
def test_what_lacks_is_told_by_flag_and_not_by_option(problem: IdentityError) -> None:
    with pytest.raises(IdentityError) as told, identity_told_by_flag():
        raise problem
    assert told.value.message == problem.message
    assert "identity." in problem.hint
    assert "identity." not in told.value.hint
    assert "--p" in told.value.hint
