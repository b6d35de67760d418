"""A4 pages and the few things that are drawn on them: text, bars, boxes, pictures, signs.

fpdf2 writes the PDF: it embeds the part of the Chinese font that is used, and the text can be
selected and searched.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from core.data.names import showable
from core.prediction.report.line_breaking import break_lines, fit_line

FONT_FILE: Final = Path(__file__).resolve().parents[3] / "resources/fonts/NotoSansSC-Regular.otf"
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
        self._pdf.set_title(title)
        self._pdf.set_subject(subject)
        self._pdf.set_creator(program)
        self._pdf.set_producer(program)
        self._pdf.set_creation_date(created)
        self._pdf.set_lang(language)

    @property
    def n_pages(self) -> int:
        """How many there are so far."""
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
        return "".join(c if ord(c) in self._known else _UNKNOWN for c in showable(text))

    def measure(self, text: str, size: float) -> float:
        """How wide a line is, in mm."""
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
        """Where a click follows a link."""
        self._pdf.link(x, y, width, height, link)

    def content(self) -> bytes:
        """The finished file."""
        return bytes(self._pdf.output())

    def _set_size(self, size: float) -> None:
        if self._pdf.font_size_pt != size:
            self._pdf.set_font_size(size)
