"""A4 pages and the few things that are drawn on them: text, bars, boxes, pictures, signs.

fpdf2 writes the PDF: it embeds the part of the Chinese font that is used, and the text can be
selected and searched.
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from core.files import escaped
from core.prediction.verdict import Level

# Chinese, Japanese and Korean characters and full-width punctuation stand alone.
_WIDE = "\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
_CLOSING = "，。、；：！？）》」』】〉”’％…)]},.;:!?%"
_OPENING = "（《「『【〈“‘([{"
_PIECE = re.compile(
    rf"[{re.escape(_OPENING)}]*(?:[{_WIDE}]|[^\s{_WIDE}{re.escape(_OPENING)}]+)"
    rf"[{re.escape(_CLOSING)}]*\s*|\S\s*|\s+"
)

Measure = Callable[[str], float]


def break_lines(text: str, width: float, measure: Measure) -> list[str]:
    """Lines of `text`, each at most `width` wide.

    Args:
        text: A line feed starts a new line.
        width: In the unit of `measure`; where not even one character fits, it stands alone.
        measure: How wide a piece of text is; pieces are taken to add up.
    """
    return [line for part in text.split("\n") for line in _break_part(part, width, measure)]


def fit_line(text: str, width: float, measure: Measure) -> str:
    """`text` where it fits, else its beginning and end around an ellipsis.

    A file's name is told by both.
    """
    if measure(text) <= width:
        return text
    kept = len(text) - 1
    while kept > 0:
        head = (kept + 1) // 2
        tail = text[len(text) - (kept - head) :] if kept > head else ""
        short = f"{text[:head].rstrip()}…{tail.lstrip()}"
        too_wide = measure(short) / width
        if too_wide <= 1:
            return short
        kept -= max(1, int((1 - 1 / too_wide) * kept * 0.9))
    return "…"


def _break_part(text: str, width: float, measure: Measure) -> list[str]:
    lines: list[str] = []
    line, used = "", 0.0
    for piece in _PIECE.findall(text):
        bare = measure(piece.rstrip())
        if line and used + bare > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        if bare > width:  # a long name: between any two characters
            *full, piece = _break_word(piece.rstrip(), width, measure)
            lines += full
        line += piece
        used += measure(piece)
    return [*lines, line.rstrip()]


def _break_word(word: str, width: float, measure: Measure) -> list[str]:
    parts, start = [], 0
    while start < len(word):
        end = start + 1
        while end < len(word) and measure(word[start : end + 1]) <= width:
            end += 1
        parts.append(word[start:end])
        start = end
    return parts


FONT_FILE: Final = Path(__file__).resolve().parents[2] / "resources/fonts/NotoSansSC-Regular.otf"
WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 16.0  # mm
INNER: Final = WIDTH - 2 * MARGIN
TOP, BOTTOM = 24.0, HEIGHT - 19.0  # between them stands what belongs to a page
LINE: Final = 1.45  # of the text's size
_MM_PER_POINT: Final = 25.4 / 72

Colour = tuple[int, int, int]
INK: Colour = (24, 33, 42)
MUTED: Colour = (90, 104, 116)
RULE: Colour = (212, 218, 224)
PANEL: Colour = (243, 245, 247)
ACCENT: Colour = (0, 119, 107)
PALE: Colour = (176, 214, 209)
WARNING: Colour = (164, 106, 0)
DANGER: Colour = (185, 58, 50)
GOOD: Colour = (31, 122, 69)
WHITE: Colour = (255, 255, 255)
_FONT: Final = "report"
_UNKNOWN: Final = "□"  # for a character that the font lacks


class Paper:
    """A document of A4 pages; measures are in mm, text sizes in points, y runs downwards.

    Args:
        head: What stands at the top of each page but a cover, left and right.
        foot: What stands at the bottom of each page.
        page_words: The words for a page's number.
        title: In the file's properties.
        subject: Likewise.
        program: Likewise.
        created: Likewise.
        language: A tag of BCP 47, for who has the pages read out.
    """

    def __init__(
        self,
        *,
        head: tuple[str, str],
        foot: str,
        page_words: Callable[[int], str],
        title: str,
        subject: str,
        program: str,
        created: datetime,
        language: str,
    ) -> None:
        from fpdf import FPDF

        self._head, self._foot, self._page_words = head, foot, page_words
        logging.getLogger("fontTools").setLevel(logging.WARNING)  # tells each table it drops
        self._pdf = FPDF(unit="mm", format="A4")
        self._pdf.set_auto_page_break(False)
        self._pdf.add_font(_FONT, fname=FONT_FILE)
        self._pdf.set_font(_FONT, size=10)
        self._known = frozenset(self._pdf.fonts[_FONT].cmap)  # type: ignore[union-attr]
        self._pdf.set_title(escaped(title))
        self._pdf.set_subject(escaped(subject))
        self._pdf.set_creator(program)
        self._pdf.set_producer(program)
        self._pdf.set_creation_date(created)
        self._pdf.set_lang(language)

    @property
    def n_pages(self) -> int:
        """The number of pages so far."""
        return self._pdf.page

    def add_page(self, bookmark: str = "", *, is_cover: bool = False) -> float:
        """Begin a page; where its content starts.

        Args:
            bookmark: What a viewer lists it by; "": not at all.
            is_cover: Whether it has its own title and needs none at its top.
        """
        self._pdf.add_page()
        if not is_cover:
            left, right = self._head
            self.text(MARGIN, 14, left, 7.5, MUTED, width=INNER / 2 - 4)
            self.text(WIDTH - MARGIN, 14, right, 7.5, MUTED, width=INNER / 2 - 4, align="right")
            self.line(16.5)
        self.line(HEIGHT - 15)
        self.text(MARGIN, HEIGHT - 10.5, self._foot, 7.5, MUTED, width=INNER - 30)
        number = self._page_words(self.n_pages)
        self.text(WIDTH - MARGIN, HEIGHT - 10.5, number, 7.5, MUTED, align="right")
        if bookmark:
            self._pdf.start_section(self.shown(bookmark))
        return TOP

    def shown(self, text: str) -> str:
        """`text` with only characters that the font has."""
        return "".join(c if ord(c) in self._known else _UNKNOWN for c in escaped(text))

    def measure(self, text: str, size: float) -> float:
        """Measure a line, in mm."""
        self._set_size(size)
        return self._pdf.get_string_width(text)

    def text(
        self,
        x: float,
        baseline: float,
        text: str,
        size: float,
        colour: Colour = INK,
        *,
        width: float | None = None,
        align: Literal["left", "right", "centre"] = "left",
        is_bold: bool = False,
    ) -> float:
        """Write one line; where `width` is too little, its middle is left out. Its width."""
        text = self.shown(text)
        if width is not None:
            text = fit_line(text, width, partial(self.measure, size=size))
        taken = self.measure(text, size)
        if align != "left":
            x -= taken if align == "right" else taken / 2
        self._pdf.set_text_color(*colour)
        if is_bold:  # the font has one weight: its outlines are drawn a little thicker
            self._pdf.set_draw_color(*colour)
            with self._pdf.local_context(text_mode="FILL_STROKE", line_width=size * 0.022):
                self._pdf.text(x, baseline, text)
        else:
            self._pdf.text(x, baseline, text)
        return taken

    def lines(self, text: str, size: float, width: float) -> list[str]:
        """Break text to a width."""
        plain = "\n".join(self.shown(part) for part in text.split("\n"))
        return break_lines(plain, width, partial(self.measure, size=size))

    def paragraph(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: Colour = INK,
        *,
        width: float,
        most_lines: int | None = None,
        is_bold: bool = False,
    ) -> float:
        """Write text from `y` downwards; where it ends."""
        lines = self.lines(text, size, width)
        if most_lines is not None and len(lines) > most_lines:
            lines = [*lines[: most_lines - 1], lines[most_lines - 1].rstrip("，。,. ") + "…"]
        step = size * LINE * _MM_PER_POINT
        for line in lines:
            self.text(x, y + step * 0.76, line, size, colour, is_bold=is_bold)
            y += step
        return y

    def heading(self, x: float, y: float, text: str, width: float = INNER) -> float:
        """A small title over a part of a page; where its content starts."""
        self.text(x, y + 3.6, text, 10.5, ACCENT, width=width, is_bold=True)
        self.line(y + 5.6, x, x + width)
        return y + 9

    def line(self, y: float, left: float = MARGIN, right: float = WIDTH - MARGIN) -> None:
        """A hair line across."""
        self._pdf.set_draw_color(*RULE)
        self._pdf.set_line_width(0.2)
        self._pdf.line(left, y, right, y)

    def box(
        self, x: float, y: float, width: float, height: float, colour: Colour, radius: float = 0
    ) -> None:
        """A filled rectangle."""
        self._pdf.set_fill_color(*colour)
        corners: dict[str, Any] = {"round_corners": True, "corner_radius": radius}
        self._pdf.rect(x, y, width, height, style="F", **(corners if radius else {}))

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """A filled shape."""
        self._pdf.set_fill_color(*colour)
        self._pdf.polygon(points, style="F")

    def disc(self, x: float, y: float, diameter: float, colour: Colour) -> None:
        """A filled circle in the square whose corner is given."""
        self._pdf.set_fill_color(*colour)
        self._pdf.ellipse(x, y, diameter, diameter, style="F")

    def stroke(self, points: list[tuple[float, float]], colour: Colour, weight: float) -> None:
        """A line from point to point."""
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(weight)
        self._pdf.polyline(points)

    def picture(self, jpeg: bytes, x: float, y: float, width: float, height: float) -> None:
        """A JPEG file, kept as it is."""
        self._pdf.image(jpeg, x, y, width, height)

    def new_link(self) -> int:
        """Something to jump to; `aim` says where it is."""
        return self._pdf.add_link()

    def aim(self, link: int) -> None:
        """Let a link lead to the page that is being written."""
        self._pdf.set_link(link, page=self.n_pages)

    def link(self, link: int, x: float, y: float, width: float, height: float) -> None:
        """Make an area a link."""
        self._pdf.link(x, y, width, height, link)

    def content(self) -> bytes:
        """The finished file."""
        return bytes(self._pdf.output())

    def _set_size(self, size: float) -> None:
        if self._pdf.font_size_pt != size:
            self._pdf.set_font_size(size)


LEVEL_COLOURS: Final[Mapping[Level, Colour]] = {
    "no_warnings": GOOD,
    "caution": WARNING,
    "not_reliable": DANGER,
    "cannot_be_checked": MUTED,
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
        case "no_warnings":
            paper.disc(x, y, side, colour)
            paper.stroke(at((0.28, 0.53), (0.44, 0.69), (0.73, 0.34)), WHITE, side * 0.11)
        case "caution":
            paper.polygon(at((0.5, 0.02), (1.02, 0.95), (-0.02, 0.95)), colour)
            paper.stroke(at((0.5, 0.34), (0.5, 0.64)), WHITE, side * 0.11)
            paper.disc(x + side * 0.43, y + side * 0.72, side * 0.14, WHITE)
        case "not_reliable":
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
