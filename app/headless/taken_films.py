"""What is kept of the films that `predict` reads, and the pictures that are drawn meanwhile."""

import dataclasses
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.images import load_xray
from core.errors import ImageReadError, RunFolderError
from core.prediction.explanation import Explanation, explain
from core.prediction.explanation.occlusion import n_patches
from core.prediction.report.answer import answer_of
from core.prediction.report.context import ReportContext
from core.prediction.report.dicom_fields import dicom_fields
from core.prediction.report.document import MOST_PAGES
from core.prediction.report.film import Pixels, ReportFilm
from core.prediction.report.film_picture import write_picture
from core.prediction.report.heat_files import HeatFiles

if TYPE_CHECKING:  # load Paddle
    from core.prediction.classifier import Classifier
    from core.prediction.opinion import Opinion
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

    @property
    def n_times_asked(self) -> int:
        """How often the network sees a film, about."""
        is_checked = (self.has_pictures or self._is_for_report) and not self._is_quick
        return n_patches() + 1 if is_checked else 1

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
