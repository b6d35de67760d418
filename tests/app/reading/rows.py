"""Films as a list may get them."""

from typing import Any, Final

from core.errors import Message, Refusal
from core.prediction.film_search import RefusedFilm
from core.prediction.reading import FilmResult
from core.prediction.verdict import Level
from tests.core.prediction.made_results import CLASSES, film_result, novelty, opinion_of

# What must be known, or not, for each verdict.
_KNOWN: Final[dict[Level, dict[str, Any]]] = {
    "no_warnings": {},
    "caution": {"is_near_copy": True},
    "not_reliable": {"novelty": novelty(is_familiar=False)},
    "cannot_be_checked": {"novelty": None},
}


def film(
    key: int = 0,
    name: str = "a.png",
    label: int = 1,
    probability: float = 0.5,
    *,
    level: Level = "no_warnings",
    is_sure: bool = True,
    true_label: int | None = None,
    **changes: Any,
) -> FilmResult:
    """A film that was read, with this verdict."""
    candidates = (label,) if is_sure else (label, (label + 1) % 3)
    return film_result(
        key=key,
        name=name,
        opinion=opinion_of(label, probability, candidates=candidates, **_KNOWN[level]),
        true_class=None if true_label is None else CLASSES[true_label],
        **changes,
    )


def refused(key: int, name: str, reason: Message) -> RefusedFilm:
    """A file that is no film."""
    return RefusedFilm(key=key, name=name, refusal=Refusal(name, reason))
