"""The page of one film: the film, its heat map, the probabilities, the verdict and its grounds."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageReadError, Message
from core.prediction.report.answer import Answer
from core.prediction.report.context import ReportContext
from core.prediction.report.paper import (
    ACCENT,
    BOTTOM,
    INK,
    INNER,
    MARGIN,
    MUTED,
    PALE,
    PANEL,
    RULE,
    WHITE,
    Paper,
)
from core.prediction.report.pictures import PAGE_SIDE, film_with_heat, jpeg, legend, reduced
from core.prediction.report.signs import LEVEL_COLOURS, draw_sign
from core.prediction.report.summary import (
    calibration_words,
    more_classes,
    part_words,
    percent,
    true_class_words,
)
from core.prediction.verdict import level_words

_COLUMN, _GAP = 85.0, 8.0  # mm
_RIGHT: Final = MARGIN + _COLUMN + _GAP
_LEGEND = 15.0  # mm
_MOST_BARS = 8
_BLACK = (0, 0, 0)


def draw_film(paper: Paper, y: float, answer: Answer, context: ReportContext) -> None:
    """Write one film onto the present page, from `y` down."""
    y = _draw_head(paper, y, answer, context)
    y = _draw_pictures(paper, y, answer, context)
    left = _draw_probabilities(paper, y, answer, context)
    left = _draw_neighbours(paper, left + 4, answer, context)
    right = _draw_verdict(paper, y, answer, context)
    right = _draw_checks(paper, right + 4, answer, context)
    _draw_origin(paper, max(left, right) + 4, answer, context)


def _draw_head(paper: Paper, y: float, answer: Answer, context: ReportContext) -> float:
    film, say = answer.film, context.say
    draw_sign(paper, answer.verdict.level, MARGIN, y + 0.5, 11)
    name = context.class_name(film.opinion.predicted)
    taken = paper.text(MARGIN + 15, y + 6, name, 16, INK, width=INNER - 50, is_bold=True)
    share = percent(answer.probability)
    paper.text(MARGIN + 15 + taken + 4, y + 6, share, 16, INK)
    words = say(level_words(answer.verdict.level))
    colour = LEVEL_COLOURS[answer.verdict.level]
    if not film.opinion.is_sure and film.opinion.candidates:
        names = [context.class_name(label) for label in film.opinion.candidates[:_MOST_BARS]]
        possible = Message("not sure: {classes} remain possible", classes=context.listing(names))
        words = f"{words} · {say(possible)}"
    paper.text(MARGIN + 15, y + 11.6, words, 9.5, colour, width=INNER - 15)
    paper.text(MARGIN, y + 18.4, film.file, 9, MUTED, width=INNER)
    return y + 21.5


def _draw_pictures(paper: Paper, y: float, answer: Answer, context: ReportContext) -> float:
    say = context.say
    try:
        film = answer.film.load_pixels()
    except ImageReadError as error:
        return paper.paragraph(MARGIN, y, say(error.message), 9, MUTED, width=INNER) + 4
    if film is None:
        return y
    height, width = film.shape[:2]
    film = reduced(film, PAGE_SIDE)
    below = y + _COLUMN + 4
    _draw_picture(paper, MARGIN, y, film)
    size = Message("Film, {width} x {height} pixels", width=width, height=height)
    paper.text(MARGIN, below, say(size), 8, MUTED)
    if answer.explanation is None:
        paper.box(_RIGHT, y, _COLUMN, _COLUMN, PANEL)
        words = say(Message("No heat map was computed."))
        paper.text(_RIGHT + _COLUMN / 2, y + _COLUMN / 2, words, 9, MUTED, align="centre")
        return below + 6
    _draw_picture(paper, _RIGHT, y, film_with_heat(film, answer.explanation))
    name = context.class_name(answer.explanation.label)
    words = say(Message("What speaks for {name}", name=name))
    start = _draw_legend(paper, below, context)
    paper.text(_RIGHT, below, words, 8, MUTED, width=start - 3 - _RIGHT)
    return below + 6


def _draw_legend(paper: Paper, baseline: float, context: ReportContext) -> float:
    """What the colours mean, below the heat map's right end; where it starts."""
    little, much = context.say(Message("little")), context.say(Message("much"))
    end = _RIGHT + _COLUMN
    start = end - paper.text(end, baseline, much, 7, MUTED, align="right") - 1.5 - _LEGEND
    paper.picture(jpeg(legend(256, 32)), start, baseline - 2.2, _LEGEND, 2.4)
    return start - 1.5 - paper.text(start - 1.5, baseline, little, 7, MUTED, align="right")


def _draw_picture(paper: Paper, x: float, y: float, pixels: NDArray[np.uint8]) -> None:
    """A picture as large as it fits into a black square."""
    paper.box(x, y, _COLUMN, _COLUMN, _BLACK)
    height, width = pixels.shape[:2]
    scale = _COLUMN / max(height, width)
    wide, high = width * scale, height * scale
    left, upper = x + (_COLUMN - wide) / 2, y + (_COLUMN - high) / 2
    paper.picture(jpeg(pixels), left, upper, wide, high)


def _draw_probabilities(paper: Paper, y: float, answer: Answer, context: ReportContext) -> float:
    opinion, say = answer.film.opinion, context.say
    y = paper.heading(MARGIN, y, say(Message("Probabilities")), _COLUMN)
    order = [int(label) for label in opinion.probabilities.argsort()[::-1]]
    for label in order[:_MOST_BARS]:
        share = float(opinion.probabilities[label])
        is_possible = label in opinion.candidates
        colour = INK if is_possible else MUTED
        paper.text(MARGIN, y + 3.4, context.class_name(label), 9, colour, width=33)
        paper.box(MARGIN + 35, y + 0.4, 34, 3.8, PANEL, radius=0.6)
        if share >= 0.005:
            fill = ACCENT if is_possible else PALE
            paper.box(MARGIN + 35, y + 0.4, max(34 * share, 1.3), 3.8, fill, radius=0.6)
        number = percent(share)
        paper.text(MARGIN + _COLUMN, y + 3.4, number, 9, colour, align="right")
        y += 6
    if len(order) > _MOST_BARS:
        paper.text(MARGIN, y + 3.4, say(more_classes(len(order) - _MOST_BARS)), 8, MUTED)
        y += 5
    lines = [say(calibration_words(opinion.is_calibrated))]
    if opinion.candidates and opinion.is_calibrated:
        lines.append(say(Message("Dark bars: classes that remain possible.")))
    for line in lines:
        y = paper.paragraph(MARGIN, y, line, 8, MUTED, width=_COLUMN)
    if answer.film.true_class is not None:
        words = say(true_class_words(context.class_name(answer.film.true_class)))
        y = paper.paragraph(MARGIN, y + 1, words, 9, INK, width=_COLUMN, is_bold=True)
    return y


def _draw_verdict(paper: Paper, y: float, answer: Answer, context: ReportContext) -> float:
    say = context.say
    y = paper.heading(_RIGHT, y, say(Message("Whether to believe it")), _COLUMN)
    part = part_words(context.parts.get(answer.film.digest))
    for reason in (*answer.verdict.reasons, *([] if part is None else [part])):
        if y > BOTTOM - 40:
            break
        paper.disc(_RIGHT, y + 1.5, 1.2, LEVEL_COLOURS[answer.verdict.level])
        text = say(reason)
        y = paper.paragraph(_RIGHT + 3.5, y, text, 8.5, width=_COLUMN - 3.5, most_lines=6) + 1
    novelty = answer.film.opinion.novelty
    if novelty is None:
        return y
    return _draw_novelty(paper, y + 1, novelty.score, novelty.threshold, context)


def _draw_novelty(
    paper: Paper, y: float, score: float, threshold: float, context: ReportContext
) -> float:
    """A scale on which the film lies before or behind the threshold."""
    say, span = context.say, max(score, threshold) * 1.15
    words = Message(
        "Strangeness {score}, usual up to {threshold}",
        score=format(score, ".3g"),
        threshold=format(threshold, ".3g"),
    )
    paper.text(_RIGHT, y + 3, say(words), 8, MUTED, width=_COLUMN)
    if not 0 < span < float("inf"):
        return y + 4.5
    paper.box(_RIGHT, y + 5.6, _COLUMN, 1.6, RULE)
    usual = _COLUMN * max(threshold, 0) / span
    paper.box(_RIGHT, y + 5.6, usual, 1.6, PALE)
    place = _RIGHT + _COLUMN * min(max(score / span, 0), 1)
    paper.disc(place - 1.6, y + 4.8, 3.2, WHITE)
    paper.disc(place - 1.2, y + 5.2, 2.4, INK)
    return y + 9


def _draw_neighbours(paper: Paper, y: float, answer: Answer, context: ReportContext) -> float:
    neighbours = answer.film.opinion.neighbours[:5]
    if not neighbours:
        return y
    y = paper.heading(MARGIN, y, context.say(Message("Nearest training films")), _COLUMN)
    side, step = 15.4, 17.4
    for place, one in enumerate(neighbours):
        x = MARGIN + step * place
        if one.thumbnail is not None:
            paper.picture(jpeg(one.thumbnail), x, y, side, side)
        else:
            paper.box(x, y, side, side, PANEL)
            name = context.say(Message("no picture kept"))
            paper.paragraph(x + 1, y + 4, name, 6, MUTED, width=side - 2, most_lines=3)
        is_same = one.label == answer.film.opinion.predicted
        name = context.class_name(one.label)
        colour = INK if is_same else MUTED
        paper.paragraph(x, y + side + 0.5, name, 7, colour, width=step - 1, most_lines=2)
    return y + side + 8


def _draw_checks(paper: Paper, y: float, answer: Answer, context: ReportContext) -> float:
    """What the checks of the heat map found."""
    if answer.explanation is None or y > BOTTOM - 30:
        return y
    honesty = answer.explanation.honesty
    say = context.say
    y = paper.heading(_RIGHT, y, say(Message("Checks of the heat map")), _COLUMN)
    if honesty is None:
        words = say(Message("This heat map was not checked."))
        return paper.paragraph(_RIGHT, y, words, 8.5, MUTED, width=_COLUMN)
    share = honesty.lung_share
    facts = {
        Message("Heat inside the lungs"): "–" if share is None else percent(share),
        Message("Agreement with a second method"): f"{honesty.agreement:.2f}",
        Message("Likeness to a map of random weights"): f"{honesty.random_likeness:.2f}",
        Message("Evidence as strong by chance"): percent(honesty.chance),
    }
    for name, value in facts.items():
        paper.text(_RIGHT, y + 3.3, say(name), 8.5, MUTED, width=_COLUMN - 16)
        paper.text(_RIGHT + _COLUMN, y + 3.3, value, 8.5, align="right")
        y += 5
    return y


def _draw_origin(paper: Paper, y: float, answer: Answer, context: ReportContext) -> None:
    """What tells the film from others, at the foot of the page."""
    fields = {name: value for name, value in answer.film.dicom.items() if value}
    y = max(y, BOTTOM - 5 - 4.6 * len(fields))
    for name, value in fields.items():
        if y > BOTTOM:  # each was asked for by name
            y = paper.add_page()
        paper.text(MARGIN, y, name, 8, MUTED, width=44)
        paper.text(MARGIN + 46, y, value, 8, width=INNER - 46)
        y += 4.6
    if y > BOTTOM + 1:
        y = paper.add_page()
    digest = context.say(Message("SHA-256 of the file: {digest}", digest=answer.film.digest))
    paper.text(MARGIN, y, digest, 7, MUTED, width=INNER)
