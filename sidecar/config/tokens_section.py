"""The options of `[tokens]`: the tokens that the sidecar itself signs for its apps."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sidecar.clock import parse_iso_seconds
from sidecar.config.option import one_of, option, path, text, texts, whole_number

_YEAR = 366 * 24 * 3600


def moment(value: object) -> datetime:
    """Read a moment with its time zone; whole seconds count."""
    written = value.isoformat() if isinstance(value, datetime) else str(value)
    try:
        return parse_iso_seconds(written).replace(microsecond=0)
    except ValueError:
        raise ValueError("must be a moment with its zone, such as 2026-11-29T10:00:00Z") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensSection:
    """The tokens that the sidecar signs for its apps: how long they count, and which no more."""

    algorithm: str = option(
        one_of("EdDSA", "HS256"),
        "How they are signed.",
        default="EdDSA",
        example="EdDSA",
    )
    key_file: Path | None = option(
        path,
        "File with the key: an Ed25519 private key in PEM, or for HS256 at least 32 bytes. "
        "Default: a key made at start, so that a restart ends every token.",
        default=None,
        example="/etc/sidecar/token.key",
    )
    audience: str = option(
        text,
        "Whom they are for (`aud`); sidecars that share a key need one each.",
        default="credential-sidecar",
        example="credential-sidecar",
    )
    lifetime_seconds: int = option(
        whole_number(60, _YEAR),
        "From issue to expiry (`exp`); a token file is renewed at half of it.",
        default=86400,
        example="86400",
    )
    grace_seconds: int = option(
        whole_number(0, _YEAR),
        "How long a token counts after its expiry: old SDKs read a token file only once.",
        default=604800,
        example="604800",
    )
    not_before: datetime | None = option(
        moment,
        "Tokens signed before this moment count no more, whoever signed them; token files are "
        "renewed at once.",
        default=None,
        example="2026-11-29T10:00:00Z",
    )
    revoked: tuple[str, ...] = option(
        texts,
        "Ids (`jti`) of tokens that count no more.",
        default=(),
        example="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    )
