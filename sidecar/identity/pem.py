"""PEM (RFC 7468): the labelled blocks of a file, whatever text stands between them."""

import binascii
from dataclasses import dataclass
from typing import Final

_BEGIN: Final = b"-----BEGIN "
_END: Final = b"-----END "
_DASHES: Final = b"-----"


@dataclass(frozen=True, slots=True, repr=False)
class Block:
    """One block.

    Args:
        label: what stands between BEGIN and the dashes; it may be anything.
        text: the block from BEGIN to END.
        body: what stands between these two lines.

    """

    label: str
    text: bytes
    body: bytes

    def der(self) -> bytes:
        """Decode the body; ValueError if it is not base64."""
        return binascii.a2b_base64(b"".join(self.body.split()), strict_mode=True)


def holds_pem(content: bytes) -> bool:
    """Whether there is any block."""
    return _BEGIN in content


def read_blocks(content: bytes) -> tuple[Block, ...]:
    """Read every block of a file; ValueError if one is not whole.

    Who is writing the file may not have finished: half a block must not pass for none.
    """
    _, *parts = content.split(_BEGIN)
    if content.count(_END) != len(parts):
        raise ValueError("is cut off: it has a BEGIN line without its END line, or the reverse")
    return tuple(map(_block, parts))


def _block(part: bytes) -> Block:
    label, _, rest = part.partition(_DASHES)
    end = _END + label + _DASHES
    body, found, _ = rest.partition(end)
    if not found:
        raise ValueError("is damaged: it has a BEGIN line without the END line of the same label")
    text = b"".join((_BEGIN, label, _DASHES, body, end))
    return Block(label.decode(errors="replace"), text, body)
