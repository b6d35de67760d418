"""Films of a catalogue as the wall shows them."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.finding_words import kind_badge
from app.translation import language, say, tr
from app.viewmodels.film_catalogue import FilmCatalogue
from app.widgets.film_wall import FilmWall, WallFilm
from core.data.audit.findings import Severity
from core.data.cache import ImageCache
from core.data.class_names import display_names


def class_words(folder: str) -> str:
    """What to call a class in the user's language."""
    return display_names(folder)[language()]


def count_words(n_films: int) -> str:
    """A number of films."""
    return tr("1 film") if n_films == 1 else tr("{n} films", n=f"{n_films:,}")


def severity_colours(colours: dict[str, str]) -> dict[Severity, str]:
    """Which of a theme's colours stands for which severity."""
    return {"error": colours["danger"], "warning": colours["warning"], "note": colours["muted"]}


def colour_wall(wall: FilmWall, colours: dict[str, str]) -> None:
    """Give the wall's signs a theme's colours."""
    wall.show_colours(**severity_colours(colours))


def caption(now: str, before: str | None) -> str:
    """The class of a film, and which it was before it was re-labelled."""
    if before is None:
        return class_words(now)
    return tr("{now} (was {before})", now=class_words(now), before=class_words(before))


def show_rows(
    wall: FilmWall,
    catalogue: FilmCatalogue,
    films: ImageCache,
    rows: Sequence[int],
    *,
    with_badges: bool,
) -> None:
    """Put rows of the catalogue on the wall.

    Args:
        wall: Where they are shown.
        catalogue: What they are.
        films: Their pictures.
        rows: Of the catalogue, in the order to show.
        with_badges: Whether each says the worst that was found about it.
    """
    # Thousands of films say the same few words.
    words, badge = cache(caption), cache(lambda kind: say(kind_badge(kind)))
    shown = []
    for row in rows:
        header, worst = catalogue.header(row), catalogue.worst(row) if with_badges else None
        shown.append(
            WallFilm(
                catalogue.record(row).name,
                words(catalogue.class_of(row), catalogue.class_before(row)),
                header.width / header.height,
                badge(worst.kind) if worst else "",
                worst.severity if worst else "",
                catalogue.is_left_out(row),
            )
        )
    digests = [catalogue.record(row).digest for row in rows]

    def picture(place: int) -> NDArray[np.uint8]:
        return films.thumbnail(digests[place])

    wall.show_films(shown, picture)
