"""A verdict's sign on paper: the same shapes as in the window, told apart without colour."""

from collections.abc import Mapping
from typing import Final

from core.prediction.report.paper import DANGER, GOOD, MUTED, WARNING, WHITE, Colour, Paper
from core.prediction.verdict import Level

LEVEL_COLOURS: Final[Mapping[Level, Colour]] = {
    "believe": GOOD,
    "doubt": WARNING,
    "do_not_believe": DANGER,
    "unknown": MUTED,
}
_OCTAGON_CUT: Final = 0.293  # of a side, at each corner of a regular octagon in a square


def draw_sign(paper: Paper, level: Level, x: float, y: float, side: float) -> None:
    """A tick in a disc, a "!" in a triangle, a bar in an octagon or a "?" in a square.

    Args:
        paper: Its present page is drawn on.
        level: Of a verdict.
        x: The left end of the sign, mm.
        y: Its upper end, mm.
        side: Of the square that it fills, mm.
    """
    colour = LEVEL_COLOURS[level]

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + side * across, y + side * down) for across, down in points]

    match level:
        case "believe":
            paper.disc(x, y, side, colour)
            paper.stroke(at((0.28, 0.53), (0.44, 0.69), (0.73, 0.34)), WHITE, side * 0.11)
        case "doubt":
            paper.polygon(at((0.5, 0.02), (1.02, 0.95), (-0.02, 0.95)), colour)
            paper.stroke(at((0.5, 0.34), (0.5, 0.64)), WHITE, side * 0.11)
            paper.disc(x + side * 0.43, y + side * 0.72, side * 0.14, WHITE)
        case "do_not_believe":
            near, far = _OCTAGON_CUT, 1 - _OCTAGON_CUT
            corners = [(near, 0.0), (far, 0.0), (1.0, near), (1.0, far)]
            corners += [(far, 1.0), (near, 1.0), (0.0, far), (0.0, near)]
            paper.polygon(at(*corners), colour)
            paper.stroke(at((0.26, 0.5), (0.74, 0.5)), WHITE, side * 0.17)
        case _:
            paper.box(x, y, side, side, colour, radius=side / 8)
            size = side * 2.3  # points; of the question mark
            paper.text(
                x + side / 2, y + side * 0.78, "?", size, WHITE, align="centre", is_bold=True
            )
