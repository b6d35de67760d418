"""A report's first page: what the films were taken for, by which model, and what it is worth."""

from collections import Counter
from collections.abc import Sequence

from core.errors import Message
from core.prediction.report.answer import Answer
from core.prediction.report.context import ReportContext
from core.prediction.report.paper import (
    ACCENT,
    INK,
    INNER,
    MARGIN,
    MUTED,
    PANEL,
    RULE,
    WARNING,
    Paper,
)
from core.prediction.report.signs import LEVEL_COLOURS, draw_sign
from core.prediction.report.summary import more_classes
from core.prediction.verdict import LEVELS, level_words

COLUMN, GAP = 84.0, 10.0  # mm
_MOST_CLASSES = 8  # that get a bar


def draw_title(paper: Paper, y: float, n_films: int, context: ReportContext) -> float:
    """Title, time and disclaimer; where the content below starts."""
    say = context.say
    paper.box(MARGIN, y, 1.6, 17, ACCENT)
    paper.text(MARGIN + 6, y + 8, say(Message("Reading report")), 22, INK, is_bold=True)
    made = Message(
        "{n} films, read by {model}, {date}",
        n=n_films,
        model=context.model_file,
        date=context.date,
    )
    paper.text(MARGIN + 6, y + 15.5, say(made), 9.5, MUTED, width=INNER - 6)
    return draw_disclaimer(paper, y + 23, context)


def draw_disclaimer(paper: Paper, y: float, context: ReportContext) -> float:
    """What this paper is not; where the content below starts."""
    text = context.say(
        Message(
            "A network's answers are no findings. It knows nothing of the patient, knows only the "
            "classes it was taught, and can be wrong where it is sure. Whoever needs to know what "
            "a film shows must ask a radiologist."
        )
    )
    lines = paper.lines(text, 8.5, INNER - 12)
    height = 10.5 + 4.4 * len(lines)
    paper.box(MARGIN, y, INNER, height, PANEL, radius=1.2)
    paper.box(MARGIN, y, 1.6, height, WARNING)
    paper.text(MARGIN + 6, y + 6.2, context.disclaimer, 10.5, INK, is_bold=True)
    paper.paragraph(MARGIN + 6, y + 8.2, text, 8.5, MUTED, width=INNER - 12)
    return y + height + 8


def draw_counts(paper: Paper, y: float, answers: Sequence[Answer], context: ReportContext) -> float:
    """How many films fell to each class and each verdict; where the content below starts."""
    return max(
        _draw_classes(paper, y, answers, context), _draw_verdicts(paper, y, answers, context)
    )


def _draw_classes(
    paper: Paper, y: float, answers: Sequence[Answer], context: ReportContext
) -> float:
    y = paper.heading(MARGIN, y, context.say(Message("What the films were taken for")), COLUMN)
    counts = Counter(answer.film.opinion.predicted for answer in answers)
    if len(context.card.classes) <= _MOST_CLASSES:
        shown = [(label, counts[label]) for label in range(len(context.card.classes))]
    else:
        shown = counts.most_common(_MOST_CLASSES)
    most = max(max(n for _, n in shown), 1)
    for label, n in shown:
        paper.text(MARGIN, y + 3.4, context.class_name(label), 9, width=34)
        paper.box(MARGIN + 36, y + 0.4, 38, 3.8, PANEL, radius=0.6)
        if n:
            paper.box(MARGIN + 36, y + 0.4, max(38 * n / most, 1.4), 3.8, ACCENT, radius=0.6)
        paper.text(MARGIN + COLUMN, y + 3.4, str(n), 9, align="right")
        y += 6.4
    rest = len(counts.keys() - {label for label, _ in shown})
    if rest:
        paper.text(MARGIN, y + 3.4, context.say(more_classes(rest)), 8, MUTED)
        y += 6.4
    return y + 5


def _draw_verdicts(
    paper: Paper, y: float, answers: Sequence[Answer], context: ReportContext
) -> float:
    say, left = context.say, MARGIN + COLUMN + GAP
    y = paper.heading(left, y, say(Message("How far to believe the answers")), COLUMN)
    counts = Counter(answer.verdict.level for answer in answers)
    for level in LEVELS:
        draw_sign(paper, level, left, y - 0.2, 4.8)
        colour = LEVEL_COLOURS[level] if counts[level] else MUTED
        paper.text(left + 8, y + 3.5, say(level_words(level)), 9.5, colour, width=COLUMN - 22)
        paper.text(left + COLUMN, y + 3.5, str(counts[level]), 9.5, colour, align="right")
        y += 7
    n_strange = sum(
        answer.film.opinion.novelty is not None and not answer.film.opinion.novelty.is_familiar
        for answer in answers
    )
    n_unsure = sum(not answer.film.opinion.is_sure for answer in answers)
    for words in (
        Message("Not sure between classes: {n} films", n=n_unsure),
        Message("Unlike the training films: {n} films", n=n_strange),
    ):
        paper.text(left, y + 3.4, say(words), 8.5, MUTED, width=COLUMN)
        y += 5.2
    paper.line(y + 1, left, left + COLUMN)
    return y + 7


def draw_note(paper: Paper, y: float, text: str) -> float:
    """A remark across the page; where it ends."""
    paper.box(MARGIN, y + 0.4, 1, 4, RULE)
    return paper.paragraph(MARGIN + 4, y, text, 8.5, MUTED, width=INNER - 4) + 2
