"""`predict`."""

import argparse
import dataclasses
import datetime
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import ProgressBars, print_json, print_line, refusals_json, tell
from app.i18n import language, listing, say, tr
from core.errors import ImageReadError, Message, Refusal, RunFolderError
from core.events import FilmRefused, Progress
from core.images.reading import load_xray
from core.prediction.explanation import Explanation, explain
from core.prediction.film_search import FoundFilm, find_films
from core.report.facts import (
    Pixels,
    ReportContext,
    ReportFilm,
    answer_of,
    check_fields,
    dicom_fields,
    film_facts,
    part_words,
)
from core.report.pdf import MOST_PAGES, write_report
from core.report.picture import HeatFiles, write_picture
from core.report.tables import write_films_csv
from core.workspace import Workspace

if TYPE_CHECKING:  # load Paddle
    from core.prediction.classifier import Classifier, Opinion
    from core.prediction.reading import FilmRead


class TakenFilms:
    """Collects films; of each only what the tables and the report need.

    Args:
        classifier: The model that reads them.
        context: Of the pictures.
        heat_folder: Where a picture of each film with its heat map goes; made at once.
        is_for_report: Whether films that get a page must be explained.
        is_quick: Whether heat maps go unchecked: a check asks the network fifty times.
        dicom_names: Fields of DICOM files that were asked for.

    Raises:
        RunFolderError: There cannot be such a folder.
    """

    def __init__(
        self,
        classifier: "Classifier",
        context: ReportContext,
        *,
        heat_folder: Path | None,
        is_for_report: bool,
        is_quick: bool,
        dicom_names: Sequence[str],
    ) -> None:
        self.films: list[ReportFilm] = []
        self.pictures: list[Path | None] = []  # of each film; None: it could not be written
        self.error: RunFolderError | None = None  # why, the first time
        self._classifier, self._context = classifier, context
        self._files = None if heat_folder is None else HeatFiles(heat_folder)
        self._is_for_report, self._is_quick = is_for_report, is_quick
        self._dicom_names = dicom_names

    @property
    def has_pictures(self) -> bool:
        """Whether pictures of films are drawn."""
        return self._files is not None

    def take(self, read: "FilmRead") -> None:
        """Keep a film that was read; its picture is drawn now."""
        is_detailed = len(self.films) < MOST_PAGES
        film = ReportFilm(
            file=read.file,
            digest=read.digest,
            opinion=read.opinion if is_detailed else _without_thumbnails(read.opinion),
            pixels=partial(load_xray, read.path),
            dicom=dicom_fields(read.path, self._dicom_names),
        )
        picture = None
        if self.has_pictures or (self._is_for_report and is_detailed):
            pixels = _pixels(film, read.image)
            explanation = self._explain(pixels, read.opinion.predicted)
            film = dataclasses.replace(film, explanation=explanation)
            picture = self._draw(film, pixels)
            if not is_detailed:  # the mask of the lungs and the second map are for its page
                no_maps = explanation.cams[:0].copy()
                light = dataclasses.replace(explanation, cams=no_maps, second=None, lungs=None)
                film = dataclasses.replace(film, explanation=light)
        self.films.append(film)
        self.pictures.append(picture)

    def _explain(self, pixels: Pixels, label: int) -> Explanation:
        with closing(explain(self._classifier, pixels, label)) as steps:
            explanation = next(steps)
            if not self._is_quick:
                *_, explanation = steps
        return explanation

    def _draw(self, film: ReportFilm, pixels: Pixels) -> Path | None:
        if self._files is None or self.error is not None:
            return None
        path = self._files.place(film.file, film.digest)
        try:
            write_picture(path, pixels, answer_of(film), self._context)
        except RunFolderError as error:  # a full disk stays full: the answers matter more
            self.error = error
            return None
        return path


def _pixels(film: ReportFilm, view: Pixels) -> Pixels:
    """The film at its own resolution; what the window would show where it is gone by now."""
    try:
        pixels = film.load_pixels()
    except ImageReadError:
        return view
    return view if pixels is None else pixels


def _without_thumbnails(opinion: "Opinion") -> "Opinion":
    neighbours = [dataclasses.replace(one, thumbnail=None) for one in opinion.neighbours]
    return dataclasses.replace(opinion, neighbours=tuple(neighbours))


if TYPE_CHECKING:  # loads Paddle
    from core.prediction.classifier import Classifier


def predict(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Classify films; files that are none are told and do not stop the others.

    Raises:
        ConfigError: A DICOM field was asked for that is never exported.
        ImageReadError: There was not one film; the (empty) result was printed before.
        RunFolderError: A file could not be written; the result was printed before, but where
            there is no folder for heat maps.
    """
    from core.prediction.classifier import Classifier

    fields = check_fields(arguments.include_dicom)
    classifier = Classifier.open(arguments.model)
    context = _context(classifier)
    taken = TakenFilms(
        classifier,
        context,
        heat_folder=arguments.heatmaps,
        is_for_report=arguments.report is not None,
        is_quick=arguments.quick,
        dicom_names=fields,
    )
    with ProgressBars() as bars:
        refused = _read(taken, classifier, arguments.paths, workspace, bars)
    films = taken.films
    if arguments.json:
        predictions = [
            _as_json(film, picture, taken.has_pictures, context)
            for film, picture in zip(films, taken.pictures, strict=True)
        ]
        print_json({"predictions": predictions, "refused": refusals_json(refused)})
    else:
        _print(films, refused, context)
    _write_files(arguments, taken, context)
    if not films:
        raise ImageReadError(Message("No X-ray could be read. {reason}", reason=refused[-1].reason))


def _context(classifier: "Classifier") -> ReportContext:
    from core.workspace import program_version

    return ReportContext(
        card=classifier.card,
        model_file=classifier.path.name,
        created=datetime.datetime.now().astimezone(),
        version=program_version(),
        say=say,
        language=language(),
    )


def _read(
    taken: TakenFilms,
    classifier: "Classifier",
    paths: Sequence[Path],
    workspace: Workspace,
    bars: ProgressBars,
) -> list[Refusal]:
    """Find the films and read them; what is none, in the order of the paths."""
    from core.prediction.reading import FilmRead, read_films

    found = _find(paths, workspace, bars)
    refused: list[Refusal] = []
    with closing(read_films(classifier, found)) as events:
        for done, event in enumerate(events, start=1):
            if isinstance(event, FilmRead):
                taken.take(event)
            elif isinstance(event, FilmRefused):
                refused.append(event.refusal)
            bars.advance(tr("Reading films"), done, len(found))
    return refused


def _find(
    paths: Sequence[Path], workspace: Workspace, bars: ProgressBars
) -> list[FoundFilm | FilmRefused]:
    """All of the files, folders and zips that were named, before the first film is read."""
    found: list[FoundFilm | FilmRefused] = []
    with closing(find_films(paths, workspace.datasets, keep_repeated=True)) as search:
        for event in search:
            if isinstance(event, Progress):
                bars.show(event)
            else:
                found.append(event)
    return found


def _write_files(arguments: argparse.Namespace, taken: TakenFilms, context: ReportContext) -> None:
    """Write what was asked for; one file that cannot be written does not stop the other.

    Raises:
        RunFolderError: The first that could not be written.
    """
    error = taken.error
    try:
        if arguments.csv is not None:
            write_films_csv(arguments.csv, taken.films, context)
    except RunFolderError as problem:
        error = error or problem
    try:
        if arguments.report is not None and taken.films:
            _write_report(arguments.report, taken.films, context)
    except RunFolderError as problem:
        error = error or problem
    if error is not None:
        raise error


def _write_report(path: Path, films: Sequence[ReportFilm], context: ReportContext) -> None:
    pages = write_report(path, films, context)
    assert isinstance(pages, Generator)
    with ProgressBars() as bars, closing(pages):
        for progress in pages:
            bars.show(progress)


def _as_json(
    film: ReportFilm, picture: Path | None, has_pictures: bool, context: ReportContext
) -> dict[str, Any]:
    facts = film_facts(film, context)
    if has_pictures:
        facts["heatmap"] = None if picture is None else str(picture)
    return facts


def _print(films: Sequence[ReportFilm], refused: Sequence[Refusal], context: ReportContext) -> None:
    classes = context.card.classes
    for film in films:
        pairs = zip(classes, film.opinion.probabilities, strict=True)
        scores = ", ".join(f"{name} {p:.4f}" for name, p in pairs)
        print_line(f"{film.file}: {classes[film.opinion.predicted]}  ({scores})")
        for remark in _remarks(film, context):
            print_line(f"  {remark}")
    if films:
        if not films[0].opinion.is_calibrated:
            print_line(tr("The probabilities are uncalibrated: read them as a ranking."))
        print_line(tr("Research and teaching only, never diagnosis."))
    if films or len(refused) > 1:  # one alone is what the command ends with
        for refusal in refused:
            tell(f"{refusal.file}: {say(refusal.reason)}")


def _remarks(film: ReportFilm, context: ReportContext) -> Iterator[str]:
    """What speaks against taking an answer at its word."""
    opinion, novelty = film.opinion, film.opinion.novelty
    if novelty is not None and not novelty.is_familiar:
        yield tr("unlike the training films: {reason}", reason=say(novelty.reason))
    if not opinion.is_sure:
        names = listing(context.card.classes[label] for label in opinion.candidates)
        yield tr("not sure: {classes} remain possible", classes=names)
    part = part_words(context.parts.get(film.digest))
    if part is not None:
        yield say(part)
    explanation = None if callable(film.explanation) else film.explanation
    if explanation is not None and explanation.honesty is not None:
        for reason in explanation.honesty.reasons if not explanation.honesty.is_trustworthy else ():
            yield tr("heat map not to be trusted: {reason}", reason=say(reason))
    yield from (f"{name}: {value}" for name, value in film.dicom.items() if value)
