"""The PDF report: cover, table of all films, a page a film."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from core import user_file
from core.errors import ImageReadError, Message
from core.events import Progress
from core.prediction.report.answer import Answer, answer_of
from core.prediction.report.context import ReportContext
from core.prediction.report.cover import draw_counts, draw_disclaimer, draw_note, draw_title
from core.prediction.report.film import ReportFilm
from core.prediction.report.film_section import draw_film
from core.prediction.report.film_table import draw_table
from core.prediction.report.model_page import draw_model
from core.prediction.report.paper import Paper

# Films that get a page of their own; the table holds all. Each page takes about 130 kB of memory
# until the file is written, for its two pictures.
MOST_PAGES: Final = 500
_WEIGHING = Message("Explaining the answers")
_WRITING = Message("Writing the report")
_BATCH: Final = 64  # films between two reports of progress where each takes microseconds


def write_report(
    path: Path,
    films: Sequence[ReportFilm],
    context: ReportContext,
    *,
    most_pages: int = MOST_PAGES,
) -> Iterator[Progress]:
    """Write a PDF of one film or of many.

    Args:
        path: Replaced if it exists; nothing is written before all of it is ready.
        films: At least one. Pixels and explanations that are functions are called here, one
            film after the other, for those that get a page.
        context: Of the report.
        most_pages: Films that get a page of their own.

    Yields:
        Progress, after each film.

    Raises:
        RunFolderError: The file cannot be written.
    """
    if not films:
        raise ValueError("a report of no film")
    n_detailed = min(len(films), most_pages)
    answers: list[Answer] = []
    for index, film in enumerate(films):
        answers.append(_weigh(film, may_compute=index < n_detailed))
        if index < n_detailed or index % _BATCH == 0:
            yield Progress(_WEIGHING, index + 1, len(films))
    paper = _new_paper(context)
    if len(films) == 1:
        _write_one(paper, answers[0], context)
    else:
        yield from _write_all(paper, answers, n_detailed, context)
    user_file.write_bytes(path, paper.content())
    yield Progress(_WRITING, n_detailed, n_detailed)


def _write_one(paper: Paper, answer: Answer, context: ReportContext) -> None:
    y = paper.add_page(answer.film.file)
    draw_film(paper, y, answer, context)
    y = draw_disclaimer(paper, paper.add_page(context.say(Message("The model"))), context)
    draw_model(paper, y, context)


def _write_all(
    paper: Paper, answers: Sequence[Answer], n_detailed: int, context: ReportContext
) -> Iterator[Progress]:
    say = context.say
    y = paper.add_page(say(Message("Overview")), is_cover=True)
    y = draw_title(paper, y, len(answers), context)
    y = draw_counts(paper, y, answers, context)
    if n_detailed < len(answers):
        left_out = Message(
            "The table holds all {n} films; the first {shown} have a page of their own.",
            n=len(answers),
            shown=n_detailed,
        )
        y = draw_note(paper, y - 3, say(left_out)) + 3
    draw_model(paper, y, context)
    links = [paper.new_link() for _ in range(n_detailed)]
    for _ in draw_table(paper, answers, links, context):
        yield Progress(_WRITING, 0, n_detailed)
    for index, answer in enumerate(answers[:n_detailed]):
        y = paper.add_page(answer.film.file)
        paper.aim(links[index])
        draw_film(paper, y, answer, context)
        yield Progress(_WRITING, index + 1, n_detailed)


def _weigh(film: ReportFilm, *, may_compute: bool) -> Answer:
    try:
        return answer_of(film, may_compute=may_compute)
    except ImageReadError:  # the film's page says so, for it cannot be drawn either
        return answer_of(film)


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
