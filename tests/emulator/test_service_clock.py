"""Service time moves on demand; wire time never does."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sidecar.emulator.service_clock import ServiceClock


def test_service_time_is_the_base_clock_plus_the_offset(clock: Any, now: datetime) -> None:
    service = ServiceClock(clock)
    assert service.now() == now
    service.move_to_offset(90)
    assert (service.now(), service.offset_seconds) == (now + timedelta(seconds=90), 90)
    clock.jump(10)
    assert service.now() == now + timedelta(seconds=100)
    service.move_to_offset(-10)
    assert service.now() == now


def test_wire_time_is_the_machines(clock: Any) -> None:
    service = ServiceClock(clock)
    service.move_to_offset(3600)
    assert abs(service.wire_now() - datetime.now(UTC)) < timedelta(minutes=1)
