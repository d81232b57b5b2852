"""Files that are written to while they are read: such a reading counts for nothing."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.identity.places import IdentityPlaces
from sidecar.identity.reading import Usable, look_at, read_places
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.identity.held.conftest import Files, Hold, Issue, Issued

PASSWORD = b"canary-of-the-key"


class Meddler:
    """A password that is read in the middle of a reading, and what happens at that moment."""

    asks = False

    def __init__(self) -> None:
        self.meanwhile: Callable[[], object] = lambda: None

    def read(self, what: str) -> Secret:  # noqa: ARG002
        self.meanwhile()
        return Secret(PASSWORD.decode())


def _places(files: "Files", password: Meddler) -> IdentityPlaces:
    return IdentityPlaces(
        certificate=str(files.certificate),
        private_key=str(files.key),
        chain=files.chain,
        password=password,
    )


def test_what_was_read_tells_what_the_files_looked_like(
    files: "Files", issue: "Issue", now: datetime
) -> None:
    files.write(issue(password=PASSWORD))
    reading = read_places(_places(files, Meddler()), now)
    assert isinstance(reading.found, Usable)
    assert reading.look == look_at((files.certificate, files.key, files.chain))


def test_what_was_read_while_it_was_written_is_not_vouched_for(
    files: "Files", issue: "Issue", old: "Issued", now: datetime
) -> None:
    files.write(issue(password=PASSWORD))
    meddler = Meddler()
    meddler.meanwhile = lambda: files.chain.write_bytes(old.chain)
    assert read_places(_places(files, meddler), now).look is None


async def test_an_identity_that_was_written_while_it_was_read_is_read_again(
    hold: "Hold", files: "Files", issue: "Issue"
) -> None:
    first, second = issue(password=PASSWORD), issue(password=PASSWORD)
    meddler = Meddler()
    watched = hold(first, meddler)
    files.write(second)
    meddler.meanwhile = files.chain.touch
    watched.held.reload()
    await watched.look(1)
    assert watched.serial == first.serial
    meddler.meanwhile = lambda: None
    await watched.look(1)
    assert watched.serial == second.serial


def test_a_file_that_cannot_be_seen_looks_like_the_reason(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    missing, other = tmp_path / "missing", tmp_path / "other"
    other.touch()
    looks = [look_at([each]) for each in (missing, loop, other)]
    assert len(set(looks)) == 3
    missing.touch()
    assert look_at([missing]) != looks[0]
