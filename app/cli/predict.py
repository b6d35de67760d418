"""`predict`: read X-rays with a model, and write what was asked for."""

import argparse
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from app.cli.console import ProgressBars, print_json, print_line, refusals_json, tell
from app.i18n import language, listing, say, tr
from core.errors import ImageReadError, Message, Refusal, RunFolderError
from core.events import Progress
from core.files import FileKind, check_replaceable
from core.images.reading import load_xray
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation, explain
from core.prediction.film_search import FoundFilm, RefusedFilm, find_films
from core.prediction.reading import FilmResult, read_films
from core.prediction.verdict import level_words
from core.report.facts import (
    ReportContext,
    check_fields,
    dicom_fields,
    film_facts,
)
from core.report.pdf import MOST_PAGES, write_report
from core.report.picture import HeatFiles, write_picture
from core.report.tables import write_films_csv
from core.workspace import Workspace


def predict(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Classify films; files that are none are told and do not stop the others.

    Raises:
        ConfigError: A DICOM field was asked for that is never exported.
        ImageReadError: There was not one film; the (empty) result was printed before.
        RunFolderError: A file could not be written; the result was printed before, but where
            there is no folder for heat maps.
    """
    fields = check_fields(arguments.include_dicom)
    check_outputs(arguments)
    classifier = Classifier.open(arguments.model)
    context = ReportContext.of(classifier, say, language(), shows_all=arguments.show_anyway)
    collected = CollectedFilms(classifier, context, arguments, fields)
    with ProgressBars() as bars:
        found = _find(arguments.paths, workspace, bars, arguments.frame)
        refused = _read(collected, classifier, found, bars)
    films = collected.films
    if arguments.json:
        predictions = [film_facts(film, context) for film in films]
        if collected.has_pictures:
            for facts, picture in zip(predictions, collected.pictures, strict=True):
                facts["heatmap"] = None if picture is None else str(picture)
        print_json(
            {
                "warnings": [say(warning) for warning in context.warnings],
                "predictions": predictions,
                "refused": refusals_json(refused),
            }
        )
    else:
        _print(films, refused, context)
    _write_files(arguments, collected, context)
    if not films:
        raise ImageReadError(Message("No X-ray could be read. {reason}", reason=refused[-1].reason))


class CollectedFilms:
    """The films that were read; of each only what the tables and the report need.

    Args:
        classifier: The model that reads them.
        context: Of the pictures.
        arguments: Of `predict`; its folder for heat maps is made at once.
        dicom_names: Fields of DICOM files that were asked for.

    Raises:
        RunFolderError: There cannot be such a folder.
    """

    def __init__(
        self,
        classifier: Classifier,
        context: ReportContext,
        arguments: argparse.Namespace,
        dicom_names: Sequence[str],
    ) -> None:
        self.films: list[FilmResult] = []
        self.pictures: list[Path | None] = []  # of each film; None: it could not be written
        self.error: RunFolderError | None = None  # the first of the pictures
        self._explanations: dict[int, Explanation] = {}  # of films that get a page, by key
        self._classifier, self._context = classifier, context
        self._files = None if arguments.heatmaps is None else HeatFiles(arguments.heatmaps)
        self._is_for_report = arguments.report is not None
        self._is_quick = arguments.quick  # a check of a heat map asks the network fifty times
        self._dicom_names = dicom_names

    @property
    def has_pictures(self) -> bool:
        """True where pictures of films are drawn."""
        return self._files is not None

    def add(self, film: FilmResult) -> None:
        """Keep a film that was read; its picture is drawn now."""
        is_detailed = len(self.films) < MOST_PAGES
        header = dicom_fields(film.path, self._dicom_names)
        film = replace(film, key=len(self.films) + 1, header=header, thumbnail=None)
        picture = None
        if self.has_pictures or (self._is_for_report and is_detailed):
            film, picture = self._explain(film, is_detailed=is_detailed)
        self.films.append(film if is_detailed else film.without_pictures())
        self.pictures.append(picture)

    def explanation(self, film: FilmResult) -> Explanation | None:
        """Return the explanation of a film that gets a page."""
        return self._explanations.get(film.key)

    def _explain(self, film: FilmResult, *, is_detailed: bool) -> tuple[FilmResult, Path | None]:
        try:
            pixels = load_xray(film.path, film.frame)
        except ImageReadError:  # gone since it was read; its answer stays
            return film, None
        with closing(explain(self._classifier, pixels, film.predicted)) as steps:
            explanation = next(steps)
            if not self._is_quick:
                *_, explanation = steps
        if is_detailed:
            self._explanations[film.key] = explanation
        film = film.explained(explanation)
        if self._files is None or self.error is not None:
            return film, None
        path = self._files.place(film.file, film.digest)
        try:
            write_picture(path, pixels, film, explanation, self._context)
        except RunFolderError as error:  # a full disk stays full: the answers matter more
            self.error = error
            return film, None
        return film, path


def _read(
    collected: CollectedFilms,
    classifier: Classifier,
    found: Sequence[FoundFilm | RefusedFilm],
    bars: ProgressBars,
) -> list[Refusal]:
    """Read the films; return the refusals in the order in which they were found."""
    refused: list[Refusal] = []
    with closing(read_films(classifier, found)) as events:
        for done, event in enumerate(events, start=1):
            if isinstance(event, FilmResult):
                collected.add(event)
            elif isinstance(event, RefusedFilm):
                refused.append(event.refusal)
            bars.advance(tr("Reading films"), done, len(found))
    return refused


def _find(
    paths: Sequence[Path], workspace: Workspace, bars: ProgressBars, frame: int
) -> list[FoundFilm | RefusedFilm]:
    """Look into all files, folders and zips that were named, before the first film is read."""
    found: list[FoundFilm | RefusedFilm] = []
    with closing(find_films(paths, workspace.datasets, keep_repeated=True)) as search:
        for event in search:
            if isinstance(event, Progress):
                bars.show(event)
            elif isinstance(event, FoundFilm):
                found.append(replace(event, frame=frame))
            else:
                found.append(event)
    return found


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse at once files that would replace what is no table or report.

    Raises:
        RunFolderError: There is one, and --force was not given.
    """
    _check_output(arguments.csv, "csv", arguments)
    _check_output(arguments.report, "pdf", arguments)


def _check_output(path: Path | None, kind: FileKind, arguments: argparse.Namespace) -> None:
    if path is not None and not arguments.force:
        check_replaceable(path, kind)


def _write_files(
    arguments: argparse.Namespace, collected: CollectedFilms, context: ReportContext
) -> None:
    """Write what was asked for; one file that cannot be written does not stop the other.

    Raises:
        RunFolderError: The first that could not be written.
    """
    error, films = collected.error, collected.films
    try:
        if arguments.csv is not None:
            _check_output(arguments.csv, "csv", arguments)  # somebody may have put one there
            write_films_csv(arguments.csv, films, context)
    except RunFolderError as problem:
        error = error or problem
    try:
        if arguments.report is not None and films:
            _check_output(arguments.report, "pdf", arguments)
            pages = write_report(arguments.report, films, context, collected.explanation)
            assert isinstance(pages, Generator)
            with ProgressBars() as bars, closing(pages):
                for progress in pages:
                    bars.show(progress)
    except RunFolderError as problem:
        error = error or problem
    if error is not None:
        raise error


def _print(films: Sequence[FilmResult], refused: Sequence[Refusal], context: ReportContext) -> None:
    for warning in context.warnings if films else ():
        print_line(tr("About the model: {warning}", warning=say(warning)))
    for film in films:
        words = film.file
        if film.n_frames > 1:
            frame = tr("Frame {frame} of {n}", frame=film.frame, n=film.n_frames)
            words += f" ({frame})"
        words += f": {say(level_words(film.verdict.level))}"
        if not context.hides(film):
            pairs = zip(film.classes, film.opinion.probabilities, strict=True)
            scores = ", ".join(f"{name} {p:.4f}" for name, p in pairs)
            words += f" · {film.classes[film.predicted]}  ({scores})"
        print_line(words)
        for remark in _remarks(film):
            print_line(f"  {remark}")
    if any(context.hides(film) for film in films):
        print_line(tr("Answers that are not reliable are withheld; --show-anyway tells them too."))
    if films:
        print_line(context.disclaimer)
    if films or len(refused) > 1:  # one alone is what the command ends with
        for refusal in refused:
            tell(f"{refusal.file}: {say(refusal.reason)}")


def _remarks(film: FilmResult) -> Iterator[str]:
    """Yield the reasons for the verdict, what is wrong with the heat map, the DICOM fields."""
    checks, reasons = film.checks, film.verdict.reasons
    if film.verdict.level != "no_warnings":
        yield from map(say, reasons)
    if not film.opinion.is_sure and not film.hides_answer:
        names = listing(film.classes[label] for label in film.opinion.candidates)
        yield tr("not sure: {classes} remain possible", classes=names)
    for reason in checks.reasons if checks is not None and not checks.is_trustworthy else ():
        if reason not in reasons:
            yield tr("heat map not to be trusted: {reason}", reason=say(reason))
    yield from (f"{name}: {value}" for name, value in film.header.items() if value)
