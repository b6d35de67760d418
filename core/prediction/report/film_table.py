"""All films of a report in a table, each with its class, its probability and its verdict."""

from collections.abc import Iterator, Sequence
from typing import Final

from core.errors import Message
from core.prediction.report.answer import Answer
from core.prediction.report.context import ReportContext
from core.prediction.report.paper import (
    ACCENT,
    BOTTOM,
    INK,
    INNER,
    MARGIN,
    MUTED,
    PANEL,
    RULE,
    TOP,
    Paper,
)
from core.prediction.report.signs import LEVEL_COLOURS, draw_sign
from core.prediction.report.summary import percent
from core.prediction.verdict import level_words

_ROW: Final = 5.6  # mm
_TITLES: Final = 5.6  # mm, above the rows of each page
_HEADING: Final = 9.0  # mm, above them on the first
# Where the columns start, from the left margin; a number ends where its column does.
_NUMBER, _FILE, _CLASS, _SHARE, _BAR, _VERDICT, _PAGE = 8.0, 11.0, 76.0, 124.0, 127.0, 142.0, INNER


def n_table_pages(n_films: int) -> int:
    """How many pages the table of so many films takes."""
    return 1 + max(0, -(-(n_films - _rows_below(TOP + _HEADING)) // _rows_below(TOP)))


def draw_table(
    paper: Paper, answers: Sequence[Answer], links: Sequence[int], context: ReportContext
) -> Iterator[int]:
    """Write the table on pages of its own.

    Args:
        paper: A document.
        answers: One a row.
        links: Of the first films: to the pages that tell more of them, which follow the table.
        context: Of the report.

    Yields:
        The number of films in the table so far, after each page.
    """
    first = paper.n_pages + n_table_pages(len(answers)) + 1
    y = _begin_page(paper, context, is_first=True)
    for index, answer in enumerate(answers):
        if y + _ROW > BOTTOM + 1e-6:
            yield index
            y = _begin_page(paper, context, is_first=False)
        if index % 2 == 1:
            paper.box(MARGIN, y, INNER, _ROW, PANEL)
        _draw_row(paper, y, index + 1, answer, context)
        if index < len(links):
            paper.text(MARGIN + _PAGE, y + 4, str(first + index), 8.5, ACCENT, align="right")
            paper.link(links[index], MARGIN, y, INNER, _ROW)
        y += _ROW
    yield len(answers)


def _begin_page(paper: Paper, context: ReportContext, *, is_first: bool) -> float:
    say = context.say
    y = paper.add_page(say(Message("All films")) if is_first else "")
    if is_first:
        y = paper.heading(MARGIN, y, say(Message("All films")))
    titles = {
        _FILE: Message("File"),
        _CLASS: Message("Class"),
        _VERDICT: Message("Verdict"),
    }
    for x, title in titles.items():
        paper.text(MARGIN + x, y + 3, say(title), 8, MUTED)
    paper.text(MARGIN + _PAGE, y + 3, say(Message("Page")), 8, MUTED, align="right")
    paper.line(y + 5)
    return y + _TITLES


def _rows_below(y: float) -> int:
    return int((BOTTOM - y - _TITLES) / _ROW + 1e-6)


def _draw_row(paper: Paper, y: float, number: int, answer: Answer, context: ReportContext) -> None:
    film, level, base = answer.film, answer.verdict.level, y + 4
    opinion = film.opinion
    paper.text(MARGIN + _NUMBER, base, str(number), 8, MUTED, align="right")
    paper.text(MARGIN + _FILE, base, film.file, 8.5, INK, width=_CLASS - _FILE - 3)
    name = context.class_name(opinion.predicted)
    paper.text(MARGIN + _CLASS, base, name, 8.5, INK, width=_SHARE - _CLASS - 17)
    share = percent(answer.probability)
    paper.text(MARGIN + _SHARE, base, share, 8.5, INK, align="right")
    paper.box(MARGIN + _BAR, y + 1.8, 12, 2, RULE)
    paper.box(MARGIN + _BAR, y + 1.8, max(12 * answer.probability, 0.2), 2, ACCENT)
    draw_sign(paper, level, MARGIN + _VERDICT, y + 1.1, 3.4)
    words = context.say(level_words(level))
    width = _PAGE - _VERDICT - 9.5
    paper.text(MARGIN + _VERDICT + 5, base, words, 8.5, LEVEL_COLOURS[level], width=width)
