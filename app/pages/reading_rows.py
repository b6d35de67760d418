"""Films and refusals as rows of the list, and what is known of their truth in words."""

from typing import TYPE_CHECKING

from app.translation import language, tr
from app.viewmodels.read_film import ReadFilm, RefusedFile
from app.widgets.reading_list import ReadingRow
from core.errors import Message
from core.models.model_card import ModelCard
from core.prediction.verdict import verdict_of

if TYPE_CHECKING:
    from core.prediction.explanation import Honesty

_TRAINED = Message("trained on")


def film_row(
    film: ReadFilm, card: ModelCard | None, honesty: "Honesty | None" = None
) -> ReadingRow:
    """A film as the list shows it.

    Args:
        film: With the model's opinion.
        card: Of that model.
        honesty: Of its heat map, once that was examined.
    """
    opinion = film.opinion
    return ReadingRow(
        key=film.key,
        name=film.name,
        label=opinion.predicted,
        probability=float(opinion.probabilities[opinion.predicted]),
        is_sure=opinion.is_sure,
        level=verdict_of(opinion, honesty).level,
        note=_TRAINED if film.part == "train" else None,
        thumbnail=film.thumbnail,
        true_label=_true_label(film, card),
        duplicate_of=film.duplicate_of or "",
    )


def refused_row(refused: RefusedFile) -> ReadingRow:
    """A file that could not be read, as the list shows it."""
    return ReadingRow(key=refused.key, name=refused.name, refusal=refused.refusal.reason)


def truth_words(film: ReadFilm, card: ModelCard | None) -> str:
    """The true class and whether the model was right; "" where nobody knows."""
    if film.true_class is None or card is None:
        return ""
    is_right = card.classes[film.predicted] == film.true_class
    names = card.display_names.get(film.true_class)
    return tr(
        "True class: {name} ({verdict})",
        name=names[language()] if names is not None else film.true_class,
        verdict=tr("✓ right") if is_right else tr("× wrong"),
    )


def _true_label(film: ReadFilm, card: ModelCard | None) -> int | None:
    if card is None or film.true_class not in card.classes:
        return None
    return card.classes.index(film.true_class)
