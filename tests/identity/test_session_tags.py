"""Which names of a certificate AWS can make session tags of."""

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from sidecar.identity.session_tags import unfit_attributes
from tests.identity.certificates import Made, common_name

UNIQUE_ID = NameOID.X500_UNIQUE_IDENTIFIER
UNITS, LOCALITY = NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.LOCALITY_NAME


def _name(*values: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in values])


@pytest.mark.parametrize(
    ("made", "unfit"),
    [
        pytest.param(Made(name="billing-1_2.3:4/5=6+7@8 9"), [], id="every sign that is allowed"),
        pytest.param(Made(name="결제 서비스 Ⅷ"), [], id="letters and numbers of every script"),
        *(
            pytest.param(Made(name=f"a{sign}b"), ["x509Subject/CN"], id=f"a name with {sign!a}")
            for sign in ",;&*()'\"!?#%|<>[]{}~^\\\n😀"
        ),
        pytest.param(
            Made(issuer="Example, Inc. CA"), ["x509Issuer/CN"], id="the issuer's count as well"
        ),
        pytest.param(
            Made(subject=_name((LOCALITY, "Zürich"), (UNITS, "R&D"))),
            ["x509Subject/OU"],
            id="each attribute by itself",
        ),
        pytest.param(
            Made(
                subject=_name(
                    (UNITS, "a" * 64), (UNITS, "b" * 64), (UNITS, "c" * 64), (UNITS, "d" * 61)
                )
            ),
            [],
            id="256 characters when joined",
        ),
        pytest.param(
            Made(
                subject=_name(
                    (UNITS, "a" * 64), (UNITS, "b" * 64), (UNITS, "c" * 64), (UNITS, "d" * 62)
                )
            ),
            ["x509Subject/OU"],
            id="257 characters when joined",
        ),
        pytest.param(Made(names=[x509.DNSName("*.example.com")]), ["x509SAN/DNS"], id="a wildcard"),
        pytest.param(
            Made(names=[x509.DNSName("a.example.com"), x509.DNSName("*.example.com")]),
            [],
            id="only the first counts",
        ),
        pytest.param(
            Made(names=[x509.UniformResourceIdentifier("spiffe://example.com/billing")]),
            [],
            id="a SPIFFE id",
        ),
        pytest.param(
            Made(names=[x509.UniformResourceIdentifier("https://example.com/?a")]),
            ["x509SAN/URI"],
            id="a query",
        ),
        pytest.param(
            Made(names=[x509.DirectoryName(common_name("R&D"))]),
            ["x509SAN/Name/CN"],
            id="a directory name",
        ),
        pytest.param(
            Made(subject=x509.Name([x509.NameAttribute(UNIQUE_ID, b"&", _ASN1Type.BitString)])),
            [],
            id="bits are no text",
        ),
        pytest.param(Made(names=[x509.RFC822Name("a&b@example.com")]), [], id="mail is no tag"),
        pytest.param(
            Made(
                name="a&b",
                issuer="c&d",
                names=[x509.DNSName("*"), x509.UniformResourceIdentifier("x:*")],
            ),
            ["x509Subject/CN", "x509Issuer/CN", "x509SAN/DNS", "x509SAN/URI"],
            id="everything at once",
        ),
    ],
)
def test_values_that_no_session_tag_can_hold_are_named(made: Made, unfit: list[str]) -> None:
    assert unfit_attributes(made.certificate()) == unfit
