"""The PDF report: cover, table of all films, a page a film."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core import files
from core.errors import ImageReadError, Message
from core.events import Progress
from core.images.reading import load_xray
from core.prediction.calibration import calibration_of, calibration_words
from core.prediction.explanation import Explanation
from core.prediction.reading import FilmResult
from core.prediction.verdict import LEVELS, level_words
from core.report.facts import (
    WITHHELD,
    ReportContext,
    calibrated_words,
    more_classes,
    percent,
    true_class_words,
)
from core.report.paper import (
    ACCENT,
    BOTTOM,
    INK,
    INNER,
    LEVEL_COLOURS,
    MARGIN,
    MUTED,
    PALE,
    PANEL,
    RULE,
    TOP,
    WARNING,
    WHITE,
    Paper,
    draw_sign,
)
from core.report.picture import PAGE_SIDE, film_with_heat, jpeg, legend, reduced
from core.statistics import wilson_interval

Explain = Callable[[FilmResult], Explanation | None]
_COLUMN, _GAP = 85.0, 8.0  # mm
_RIGHT: Final = MARGIN + _COLUMN + _GAP
_LEGEND = 15.0  # mm
_MOST_BARS = 8  # classes
_BLACK = (0, 0, 0)
_ROW: Final = 5.6  # mm
_TITLES: Final = 5.6  # mm, above the rows of each page
_HEADING: Final = 9.0  # mm, above them on the first
# Where the columns start, from the left margin; a number ends where its column does.
_NUMBER, _FILE, _CLASS, _SHARE, _BAR, _VERDICT, _PAGE = 8.0, 11.0, 76.0, 124.0, 127.0, 142.0, INNER
_MOST_LETTERS = 200  # of a foreign name
_MOST_CLASS_ROWS = 12  # that get a row, where there is room
_CLASS_ROW, _CALIBRATION = 5.8, 29.0  # mm: of a class, and what stands below them all
# Films that get a page of their own; the table holds all. Each page takes about 130 kB of memory
# until the file is written, for its two pictures.
MOST_PAGES: Final = 500
_EXPLAINING = Message("Explaining the answers")
_WRITING = Message("Writing the report")


def write_report(
    path: Path,
    films: Sequence[FilmResult],
    context: ReportContext,
    explain: Explain = lambda _film: None,
    *,
    most_pages: int = MOST_PAGES,
) -> Iterator[Progress]:
    """Write a PDF of one film or of many.

    Args:
        path: Replaced if it exists; nothing is written before all of it is ready.
        films: At least one.
        context: Of the report.
        explain: Gives the explanation of a film's answer, or raises ImageReadError; asked one
            film after the other, for those that get a page.
        most_pages: Films that get a page of their own.

    Yields:
        Progress, after each film.

    Raises:
        RunFolderError: The file cannot be written.
    """
    if not films:
        raise ValueError("a report of no film")
    detailed = list(films[:most_pages])
    explanations: list[Explanation | None] = []
    for index, film in enumerate(detailed):
        try:
            explanations.append(explain(film))
        except ImageReadError:  # the film's page says so, for it cannot be drawn either
            explanations.append(None)
        detailed[index] = film.explained(explanations[-1])
        yield Progress(_EXPLAINING, index + 1, len(films))
    paper = _new_paper(context)
    if len(films) == 1:
        _write_one(paper, detailed[0], explanations[0], context)
    else:
        all_films = [*detailed, *films[most_pages:]]
        yield from _write_all(paper, all_films, explanations, context)
    files.write_user_file(path, paper.content())
    yield Progress(_WRITING, len(detailed), len(detailed))


def _write_one(
    paper: Paper, film: FilmResult, explanation: Explanation | None, context: ReportContext
) -> None:
    y = paper.add_page(film.file)
    draw_film(paper, y, film, explanation, context)
    y = draw_disclaimer(paper, paper.add_page(context.say(Message("The model"))), context)
    draw_model(paper, y, context)


def _write_all(
    paper: Paper,
    films: Sequence[FilmResult],
    explanations: Sequence[Explanation | None],
    context: ReportContext,
) -> Iterator[Progress]:
    say, n_detailed = context.say, len(explanations)
    y = paper.add_page(say(Message("Overview")), is_cover=True)
    y = draw_title(paper, y, len(films), context)
    y = draw_counts(paper, y, films, context)
    if n_detailed < len(films):
        left_out = Message(
            "The table holds all {n} films; the first {shown} have a page of their own.",
            n=len(films),
            shown=n_detailed,
        )
        y = draw_note(paper, y - 3, say(left_out)) + 3
    draw_model(paper, y, context)
    links = [paper.new_link() for _ in range(n_detailed)]
    for _ in draw_table(paper, films, links, context):
        yield Progress(_WRITING, 0, n_detailed)
    for index, explanation in enumerate(explanations):
        y = paper.add_page(films[index].file)
        paper.aim(links[index])
        draw_film(paper, y, films[index], explanation, context)
        yield Progress(_WRITING, index + 1, n_detailed)


def _new_paper(context: ReportContext) -> Paper:
    say = context.say
    title = say(Message("Reading report"))
    return Paper(
        head=(f"PneumoScope · {title}", f"{context.model_file} · {context.date}"),
        foot=context.disclaimer,
        page_words=lambda number: say(Message("Page {number}", number=number)),
        title=title,
        subject=context.disclaimer,
        program=f"PneumoScope {context.version}",
        created=context.created,
        language=context.language.replace("_", "-"),
    )


def draw_title(paper: Paper, y: float, n_films: int, context: ReportContext) -> float:
    """Draw title, time and disclaimer; return where the content below starts."""
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
    """Draw the disclaimer; return where the content below starts."""
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


def draw_counts(
    paper: Paper, y: float, films: Sequence[FilmResult], context: ReportContext
) -> float:
    """Count the films by class and by verdict; return where the content below starts."""
    return max(_draw_classes(paper, y, films, context), _draw_verdicts(paper, y, films, context))


def _draw_classes(
    paper: Paper, y: float, films: Sequence[FilmResult], context: ReportContext
) -> float:
    y = paper.heading(MARGIN, y, context.say(Message("What the films were taken for")), _COLUMN)
    counts = Counter(film.predicted for film in films if not context.hides(film))
    if len(context.card.classes) <= _MOST_BARS:
        shown = [(label, counts[label]) for label in range(len(context.card.classes))]
    else:
        shown = counts.most_common(_MOST_BARS)
    most = max(max(n for _, n in shown), 1)
    for label, n in shown:
        paper.text(MARGIN, y + 3.4, context.class_name(label), 9, width=34)
        paper.box(MARGIN + 36, y + 0.4, 38, 3.8, PANEL, radius=0.6)
        if n:
            paper.box(MARGIN + 36, y + 0.4, max(38 * n / most, 1.4), 3.8, ACCENT, radius=0.6)
        paper.text(MARGIN + _COLUMN, y + 3.4, str(n), 9, align="right")
        y += 6.4
    rest = len(counts.keys() - {label for label, _ in shown})
    if rest:
        paper.text(MARGIN, y + 3.4, context.say(more_classes(rest)), 8, MUTED)
        y += 6.4
    return y + 5


def _draw_verdicts(
    paper: Paper, y: float, films: Sequence[FilmResult], context: ReportContext
) -> float:
    say, left = context.say, MARGIN + _COLUMN + _GAP
    y = paper.heading(left, y, say(Message("Verdicts")), _COLUMN)
    counts = Counter(film.verdict.level for film in films)
    for level in LEVELS:
        draw_sign(paper, level, left, y - 0.2, 4.8)
        colour = LEVEL_COLOURS[level] if counts[level] else MUTED
        paper.text(left + 8, y + 3.5, say(level_words(level)), 9.5, colour, width=_COLUMN - 22)
        paper.text(left + _COLUMN, y + 3.5, str(counts[level]), 9.5, colour, align="right")
        y += 7
    novelties = [film.opinion.novelty for film in films]
    n_strange = sum(novelty is not None and not novelty.is_familiar for novelty in novelties)
    n_unsure = sum(not film.opinion.is_sure for film in films)
    for words in (
        Message("Not sure between classes: {n} films", n=n_unsure),
        Message("Unlike the training films: {n} films", n=n_strange),
    ):
        paper.text(left, y + 3.4, say(words), 8.5, MUTED, width=_COLUMN)
        y += 5.2
    paper.line(y + 1, left, left + _COLUMN)
    return y + 7


def draw_note(paper: Paper, y: float, text: str) -> float:
    """Write a remark across the page; return where it ends."""
    paper.box(MARGIN, y + 0.4, 1, 4, RULE)
    return paper.paragraph(MARGIN + 4, y, text, 8.5, MUTED, width=INNER - 4) + 2


def draw_table(
    paper: Paper, films: Sequence[FilmResult], links: Sequence[int], context: ReportContext
) -> Iterator[int]:
    """Write the table on pages of its own.

    Args:
        paper: A document.
        films: One a row.
        links: Of the first films: to the pages that tell more of them, which follow the table.
        context: Of the report.

    Yields:
        The number of films in the table so far, after each page.
    """
    first = paper.n_pages + n_table_pages(len(films)) + 1
    y = _begin_page(paper, context, is_first=True)
    for index, film in enumerate(films):
        if y + _ROW > BOTTOM + 1e-6:
            yield index
            y = _begin_page(paper, context, is_first=False)
        if index % 2 == 1:
            paper.box(MARGIN, y, INNER, _ROW, PANEL)
        _draw_row(paper, y, index + 1, film, context)
        if index < len(links):
            paper.text(MARGIN + _PAGE, y + 4, str(first + index), 8.5, ACCENT, align="right")
            paper.link(links[index], MARGIN, y, INNER, _ROW)
        y += _ROW
    yield len(films)


def n_table_pages(n_films: int) -> int:
    """Count the pages of the table of so many films."""
    return 1 + max(0, -(-(n_films - _rows_below(TOP + _HEADING)) // _rows_below(TOP)))


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


def _draw_row(
    paper: Paper, y: float, number: int, film: FilmResult, context: ReportContext
) -> None:
    opinion, level, base = film.opinion, film.verdict.level, y + 4
    paper.text(MARGIN + _NUMBER, base, str(number), 8, MUTED, align="right")
    paper.text(MARGIN + _FILE, base, film.file, 8.5, INK, width=_CLASS - _FILE - 3)
    if context.hides(film):
        paper.text(MARGIN + _CLASS, base, "–", 8.5, MUTED)
    else:
        name = context.class_name(opinion.predicted)
        paper.text(MARGIN + _CLASS, base, name, 8.5, INK, width=_SHARE - _CLASS - 17)
        share = percent(opinion.probability)
        paper.text(MARGIN + _SHARE, base, share, 8.5, INK, align="right")
        paper.box(MARGIN + _BAR, y + 1.8, 12, 2, RULE)
        paper.box(MARGIN + _BAR, y + 1.8, max(12 * opinion.probability, 0.2), 2, ACCENT)
    draw_sign(paper, level, MARGIN + _VERDICT, y + 1.1, 3.4)
    words = context.say(level_words(level))
    width = _PAGE - _VERDICT - 9.5
    paper.text(MARGIN + _VERDICT + 5, base, words, 8.5, LEVEL_COLOURS[level], width=width)


def draw_film(
    paper: Paper,
    y: float,
    film: FilmResult,
    explanation: Explanation | None,
    context: ReportContext,
) -> None:
    """Write one film onto the present page, from `y` down."""
    if context.hides(film):  # a heat map would name the class
        explanation = None
    y = _draw_head(paper, y, film, context)
    y = _draw_pictures(paper, y, film, explanation, context)
    left = y if context.hides(film) else _draw_probabilities(paper, y, film, context)
    left = _draw_neighbours(paper, left + 4, film, context)
    right = _draw_verdict(paper, y, film, context)
    if explanation is not None:
        right = _draw_checks(paper, right + 4, explanation, context)
    _draw_origin(paper, max(left, right) + 4, film, context)


def _draw_head(paper: Paper, y: float, film: FilmResult, context: ReportContext) -> float:
    opinion, level, say = film.opinion, film.verdict.level, context.say
    draw_sign(paper, level, MARGIN, y + 0.5, 11)
    words, colour = say(level_words(level)), LEVEL_COLOURS[level]
    paper.text(MARGIN + 15, y + 6, words, 16, colour, width=INNER - 15, is_bold=True)
    if context.hides(film):
        answer = say(WITHHELD)
    else:
        answer = f"{context.class_name(opinion.predicted)}  {percent(opinion.probability)}"
        if not opinion.is_sure and opinion.candidates:
            names = [context.class_name(label) for label in opinion.candidates[:_MOST_BARS]]
            possible = Message(
                "not sure: {classes} remain possible", classes=context.listing(names)
            )
            answer = f"{answer} · {say(possible)}"
    paper.text(MARGIN + 15, y + 11.6, answer, 9.5, INK, width=INNER - 15)
    paper.text(MARGIN, y + 18.4, film.file, 9, MUTED, width=INNER)
    return y + 21.5


def _draw_pictures(
    paper: Paper,
    y: float,
    film: FilmResult,
    explanation: Explanation | None,
    context: ReportContext,
) -> float:
    say = context.say
    try:
        pixels = load_xray(film.path, film.frame)
    except ImageReadError as error:  # it is gone by now; its answer stays
        return paper.paragraph(MARGIN, y, say(error.message), 9, MUTED, width=INNER) + 4
    height, width = pixels.shape[:2]
    pixels = reduced(pixels, PAGE_SIDE)
    below = y + _COLUMN + 4
    _draw_picture(paper, MARGIN, y, pixels)
    size = Message("Film, {width} x {height} pixels", width=width, height=height)
    paper.text(MARGIN, below, say(size), 8, MUTED)
    if explanation is None:
        paper.box(_RIGHT, y, _COLUMN, _COLUMN, PANEL)
        words = say(Message("No heat map was computed."))
        paper.text(_RIGHT + _COLUMN / 2, y + _COLUMN / 2, words, 9, MUTED, align="centre")
        return below + 6
    _draw_picture(paper, _RIGHT, y, film_with_heat(pixels, explanation))
    name = context.class_name(explanation.label)
    words = say(Message("What speaks for {name}", name=name))
    start = _draw_legend(paper, below, context)
    paper.text(_RIGHT, below, words, 8, MUTED, width=start - 3 - _RIGHT)
    return below + 6


def _draw_legend(paper: Paper, baseline: float, context: ReportContext) -> float:
    """Explain the colours below the heat map's right end; return where that starts."""
    little, much = context.say(Message("little")), context.say(Message("much"))
    end = _RIGHT + _COLUMN
    start = end - paper.text(end, baseline, much, 7, MUTED, align="right") - 1.5 - _LEGEND
    paper.picture(jpeg(legend(256, 32)), start, baseline - 2.2, _LEGEND, 2.4)
    return start - 1.5 - paper.text(start - 1.5, baseline, little, 7, MUTED, align="right")


def _draw_picture(paper: Paper, x: float, y: float, pixels: NDArray[np.uint8]) -> None:
    """Draw a picture as large as it fits into a black square."""
    paper.box(x, y, _COLUMN, _COLUMN, _BLACK)
    height, width = pixels.shape[:2]
    scale = _COLUMN / max(height, width)
    wide, high = width * scale, height * scale
    left, upper = x + (_COLUMN - wide) / 2, y + (_COLUMN - high) / 2
    paper.picture(jpeg(pixels), left, upper, wide, high)


def _draw_probabilities(paper: Paper, y: float, film: FilmResult, context: ReportContext) -> float:
    opinion, say = film.opinion, context.say
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
    lines = [say(calibrated_words(opinion.is_calibrated))]
    if opinion.candidates and opinion.is_calibrated:
        lines.append(say(Message("Dark bars: classes that remain possible.")))
    for line in lines:
        y = paper.paragraph(MARGIN, y, line, 8, MUTED, width=_COLUMN)
    if film.true_label is not None:
        words = say(true_class_words(context.class_name(film.true_label)))
        y = paper.paragraph(MARGIN, y + 1, words, 9, INK, width=_COLUMN, is_bold=True)
    return y


def _draw_verdict(paper: Paper, y: float, film: FilmResult, context: ReportContext) -> float:
    say = context.say
    y = paper.heading(_RIGHT, y, say(Message("Reasons for the verdict")), _COLUMN)
    for reason in film.verdict.reasons:
        if y > BOTTOM - 40:
            break
        paper.disc(_RIGHT, y + 1.5, 1.2, LEVEL_COLOURS[film.verdict.level])
        text = say(reason)
        y = paper.paragraph(_RIGHT + 3.5, y, text, 8.5, width=_COLUMN - 3.5, most_lines=6) + 1
    novelty = film.opinion.novelty
    if novelty is None:
        return y
    return _draw_novelty(paper, y + 1, novelty.score, novelty.threshold, context)


def _draw_novelty(
    paper: Paper, y: float, score: float, threshold: float, context: ReportContext
) -> float:
    """Draw a scale on which the film lies before or behind the threshold."""
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


def _draw_neighbours(paper: Paper, y: float, film: FilmResult, context: ReportContext) -> float:
    neighbours = film.opinion.neighbours[:5]
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
        is_same = one.label == film.predicted
        name = context.class_name(one.label)
        colour = INK if is_same else MUTED
        paper.paragraph(x, y + side + 0.5, name, 7, colour, width=step - 1, most_lines=2)
    return y + side + 8


def _draw_checks(paper: Paper, y: float, explanation: Explanation, context: ReportContext) -> float:
    """Write the findings of the heat map's checks."""
    if y > BOTTOM - 30:
        return y
    checks, say = explanation.checks, context.say
    y = paper.heading(_RIGHT, y, say(Message("Checks of the heat map")), _COLUMN)
    if checks is None:
        words = say(Message("This heat map was not checked."))
        return paper.paragraph(_RIGHT, y, words, 8.5, MUTED, width=_COLUMN)
    share = checks.lung_share
    facts = {
        Message("Heat inside the lungs"): "–" if share is None else percent(share),
        Message("Agreement with a second method"): f"{checks.agreement:.2f}",
        Message("Likeness to a map of random weights"): f"{checks.random_likeness:.2f}",
        Message("Evidence as strong by chance"): percent(checks.chance),
    }
    for name, value in facts.items():
        paper.text(_RIGHT, y + 3.3, say(name), 8.5, MUTED, width=_COLUMN - 16)
        paper.text(_RIGHT + _COLUMN, y + 3.3, value, 8.5, align="right")
        y += 5
    return y


def _draw_origin(paper: Paper, y: float, film: FilmResult, context: ReportContext) -> None:
    """Write the film's DICOM fields and digest at the foot of the page."""
    fields = {name: value for name, value in film.header.items() if value}
    y = max(y, BOTTOM - 5 - 4.6 * len(fields))
    for name, value in fields.items():
        if y > BOTTOM:  # each was asked for by name
            y = paper.add_page()
        paper.text(MARGIN, y, name, 8, MUTED, width=44)
        paper.text(MARGIN + 46, y, value, 8, width=INNER - 46)
        y += 4.6
    if y > BOTTOM + 1:
        y = paper.add_page()
    digest = context.say(Message("SHA-256 of the file: {digest}", digest=film.digest))
    paper.text(MARGIN, y, digest, 7, MUTED, width=INNER)


def draw_model(paper: Paper, y: float, context: ReportContext) -> float:
    """Write the model's facts, test and calibration; return where the content below starts."""
    say, card = context.say, context.card
    y = paper.heading(MARGIN, y, say(Message("The model")))
    facts = {
        Message("File"): context.model_file,
        Message("Network"): say(
            Message(
                "{name}, films of {side} x {side} pixels",
                name=card.architecture.replace("resnet", "ResNet-"),
                side=card.preprocessing.image_size,
            )
        ),
        Message("Classes"): context.listing(
            [context.class_name(label) for label in range(min(len(card.classes), _MOST_CLASS_ROWS))]
        ),
        Message("Trained on"): say(
            Message(
                "{name}, {n} films (fingerprint {fingerprint})",
                name=card.dataset["name"][:_MOST_LETTERS],
                n=len(card.split["train"]),
                fingerprint=card.dataset["fingerprint"][:12],
            )
        ),
        Message("Training ended"): say(
            Message(
                "{date}, the best of {epochs} epochs was epoch {epoch}",
                date=card.created[:16].replace("T", " "),
                epochs=card.history["epochs"],
                epoch=card.history["best_epoch"],
            )
        ),
        Message("SHA-256 of its weights"): card.tensors_sha256,
        Message("Report by"): f"PneumoScope {context.version}",
    }
    for name, value in facts.items():
        paper.text(MARGIN, y + 3.3, say(name), 8.5, MUTED, width=40)
        y = max(y + 5, paper.paragraph(MARGIN + 42, y, value, 8.5, width=INNER - 42, most_lines=2))
    if context.warnings:
        y = paper.heading(MARGIN, y + 4, say(Message("What to know about it")))
        for warning in context.warnings:
            paper.disc(MARGIN, y + 1.5, 1.2, WARNING)
            y = paper.paragraph(MARGIN + 3.5, y, say(warning), 9, width=INNER - 3.5) + 1
    y = _draw_test(paper, y + 4, context)
    return _draw_calibration(paper, y + 4, context)


def _draw_test(paper: Paper, y: float, context: ReportContext) -> float:
    say = context.say
    test: Any = context.card.metrics.get("test")
    y = paper.heading(MARGIN, y, say(Message("On films it was not trained on")))
    if not _is_evaluation(test, len(context.card.classes)):
        words = Message("The model was never tested: how often it is right is not known.")
        return paper.paragraph(MARGIN, y, say(words), 9, width=INNER)
    n, accuracy = test["n"], test["accuracy"]
    low, high = wilson_interval(round(accuracy * n), n)
    words = Message(
        "{accuracy} of {n} test films were classified correctly (interval {low} "
        "to {high}, 95%). On films from another hospital or device it may be much less.",
        accuracy=percent(accuracy),
        n=n,
        low=percent(low),
        high=percent(high),
    )
    y = paper.paragraph(MARGIN, y, say(words), 9, width=INNER) + 2
    columns = (MARGIN + 92, MARGIN + 120, MARGIN + 149, MARGIN + INNER)
    titles = (Message("Films"), Message("Sensitivity"), Message("Specificity"), Message("PPV"))
    paper.text(MARGIN, y + 3.3, say(Message("Class")), 8, MUTED)
    for x, title in zip(columns, titles, strict=True):
        paper.text(x, y + 3.3, say(title), 8, MUTED, align="right")
    y += 5
    n_shown = _n_rows(len(test["classes"]), BOTTOM - _CALIBRATION - y)
    for label, row in enumerate(test["classes"][:n_shown]):
        paper.line(y)
        paper.text(MARGIN, y + 4, context.class_name(label), 9, width=76)
        values = [str(row["n"])] + [
            "–" if row[name] is None else percent(row[name])
            for name in ("sensitivity", "specificity", "precision")
        ]
        for x, value in zip(columns, values, strict=True):
            paper.text(x, y + 4, value, 9, align="right")
        y += _CLASS_ROW
    left_out = len(test["classes"]) - n_shown
    if left_out > 0:
        paper.text(MARGIN, y + 4, say(more_classes(left_out)), 8, MUTED)
        y += _CLASS_ROW
    return y


def _n_rows(n_classes: int, room: float) -> int:
    """Count the classes that get a row; where not all do, one row says how many are left out."""
    fitting = int(room / _CLASS_ROW)
    if n_classes <= min(fitting, _MOST_CLASS_ROWS):
        return n_classes
    return max(1, min(fitting - 1, _MOST_CLASS_ROWS))


def _draw_calibration(paper: Paper, y: float, context: ReportContext) -> float:
    say = context.say
    y = paper.heading(MARGIN, y, say(Message("Calibration of its probabilities")))
    for words in calibration_words(calibration_of(context.card)):
        y = paper.paragraph(MARGIN, y, say(words), 9, width=INNER)
    return y


def _is_evaluation(test: Any, n_classes: int) -> bool:
    """True where the card holds a test's numbers: a model file may hold any JSON there."""
    if not isinstance(test, Mapping):
        return False
    n, accuracy, classes = (test.get(name) for name in ("n", "accuracy", "classes"))
    if type(n) is not int or n < 1 or not _is_share(accuracy) or not isinstance(classes, list):
        return False
    return len(classes) == n_classes and all(
        isinstance(row, Mapping)
        and type(row.get("n")) is int
        and all(
            name in row and (row[name] is None or _is_share(row[name]))
            for name in ("sensitivity", "specificity", "precision")
        )
        for row in classes
    )


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
