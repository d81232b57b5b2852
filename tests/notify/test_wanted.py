"""A sink is sent what its options want, and tests always."""

from typing import TYPE_CHECKING

import pytest

from sidecar.notice import Kind, Severity
from sidecar.notify.wanted import Wanted

if TYPE_CHECKING:
    from tests.notify.conftest import NewNotice

ROTATIONS = frozenset({Kind.ROTATION_FAILED, Kind.ROTATION_SUCCEEDED})


@pytest.mark.parametrize(
    ("wanted", "kind", "severity", "passes"),
    [
        (Wanted(), Kind.SECRET_CHANGED, Severity.INFO, True),
        (Wanted(ROTATIONS), Kind.ROTATION_FAILED, Severity.INFO, True),
        (Wanted(ROTATIONS), Kind.SECRET_CHANGED, Severity.ERROR, False),
        (Wanted(minimum=Severity.WARNING), Kind.SECRET_CHANGED, Severity.WARNING, True),
        (Wanted(minimum=Severity.WARNING), Kind.SECRET_CHANGED, Severity.INFO, False),
        (Wanted(ROTATIONS, Severity.ERROR), Kind.ROTATION_SUCCEEDED, Severity.INFO, False),
        (Wanted(ROTATIONS, Severity.ERROR), Kind.TEST, Severity.INFO, True),
        (Wanted(ROTATIONS, about=lambda _: False), Kind.ROTATION_FAILED, Severity.ERROR, False),
        (Wanted(about=lambda _: False), Kind.TEST, Severity.ERROR, True),
    ],
)
def test_what_passes(
    *, wanted: Wanted, kind: Kind, severity: Severity, passes: bool, new_notice: "NewNotice"
) -> None:
    assert wanted.passes(new_notice(kind=kind, severity=severity)) is passes
