"""The plot of a storm as SVG: requests a second above, who has a session below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10
from typing import Final

_WIDTH: Final = 760
_LEFT: Final = 64
_RIGHT: Final = 36
_PANEL: Final = 210
_TOP: Final = 40
_GAP: Final = 56
_HEIGHT: Final = _TOP + 2 * _PANEL + _GAP + 78
_DECADES: Final = 4
_QUOTA: Final = 10
_COLOURS: Final = ("#0b6bcb", "#c2410c", "#6b7280")
_FONT: Final = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True, slots=True)
class Curve:
    """One policy's course, sampled evenly: requests a second, and percent with a session."""

    name: str
    rates: Sequence[float]
    served: Sequence[float]


def plot(curves: Sequence[Curve], *, step: int) -> str:
    """Draw all curves.

    Args:
        curves: what to draw, of one length.
        step: seconds between two samples.

    """
    minutes = len(curves[0].rates) * step / 60
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img'>",
        "<title>10,000 sidecars start at the beginning of an outage of one minute</title>",
        f"<rect width='{_WIDTH}' height='{_HEIGHT}' fill='#ffffff'/>",
        *_rates(curves, minutes),
        *_served(curves, minutes),
        *_legend(curves),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _rates(curves: Sequence[Curve], minutes: float) -> Iterator[str]:
    yield _text(_LEFT, _TOP - 14, "CreateSession requests a second (quota: 10)", weight="600")
    yield from _panel(_TOP, minutes)
    for decade in range(_DECADES + 1):
        yield from _tick(_TOP, decade / _DECADES, f"{10**decade:,}")
    y = _y(_TOP, log10(_QUOTA) / _DECADES)
    yield f"<path d='M{_LEFT} {y}H{_WIDTH - _RIGHT}' stroke='#111827' stroke-dasharray='5 4'/>"
    for curve, colour in _first_on_top(curves):
        heights = [log10(max(rate, 1)) / _DECADES for rate in curve.rates]
        yield _path(_TOP, heights, colour)


def _served(curves: Sequence[Curve], minutes: float) -> Iterator[str]:
    top = _TOP + _PANEL + _GAP
    yield _text(_LEFT, top - 14, "sidecars with a session, %", weight="600")
    yield from _panel(top, minutes)
    for percent in (0, 25, 50, 75, 100):
        yield from _tick(top, percent / 100, str(percent))
    for curve, colour in _first_on_top(curves):
        yield _path(top, [percent / 100 for percent in curve.served], colour)


def _first_on_top(curves: Sequence[Curve]) -> Iterator[tuple[Curve, str]]:
    """Give the first curve last, so that none covers it."""
    return reversed(list(zip(curves, _COLOURS, strict=False)))


def _panel(top: int, minutes: float) -> Iterator[str]:
    """Mark the outage and the minutes."""
    per_minute = (_WIDTH - _LEFT - _RIGHT) / minutes
    yield f"<rect x='{_LEFT}' y='{top}' width='{per_minute:.1f}' height='{_PANEL}' fill='#fde8e8'/>"
    for minute in range(0, int(minutes) + 1, 5):
        x = _LEFT + minute * per_minute
        yield _text(x, top + _PANEL + 18, f"{minute} min", anchor="middle")


def _tick(top: int, height: float, label: str) -> Iterator[str]:
    y = _y(top, height)
    yield f"<path d='M{_LEFT} {y}H{_WIDTH - _RIGHT}' stroke='#e5e7eb'/>"
    yield _text(_LEFT - 8, y + 4, label, anchor="end")


def _path(top: int, heights: Sequence[float], colour: str) -> str:
    width = (_WIDTH - _LEFT - _RIGHT) / len(heights)
    points = (
        f"{_LEFT + (n + 0.5) * width:.1f} {_y(top, height)}" for n, height in enumerate(heights)
    )
    return f"<path d='M{'L'.join(points)}' fill='none' stroke='{colour}' stroke-width='2'/>"


def _legend(curves: Sequence[Curve]) -> Iterator[str]:
    x, y = _LEFT, _HEIGHT - 16
    for curve, colour in zip(curves, _COLOURS, strict=False):
        yield f"<path d='M{x} {y - 4}h24' stroke='{colour}' stroke-width='3'/>"
        yield _text(x + 32, y, curve.name)
        x += 230


def _y(top: int, height: float) -> float:
    return round(top + _PANEL * (1 - min(height, 1)), 1)


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "400") -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {_FONT} font-size='13' fill='#111827' "
        f"text-anchor='{anchor}' font-weight='{weight}'>{words}</text>"
    )
