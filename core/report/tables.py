"""Tables of read X-rays: CSV, text that pastes into a spreadsheet, and JSON."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from core import files
from core.files import escaped, inert, json_text, write_csv
from core.prediction.reading import FilmResult
from core.report.facts import ReportContext, film_facts, model_facts

# Column -> path into `film_facts`. They stand behind the file, its class and the probabilities,
# and before the DICOM fields that were asked for and the model.
_COLUMNS = {
    "display_name": ("display_name",),
    "true_class": ("true_class",),
    "calibrated": ("calibrated",),
    "sure": ("sure",),
    "candidates": ("candidates",),
    "novelty_score": ("novelty", "score"),
    "novelty_threshold": ("novelty", "threshold"),
    "is_familiar": ("novelty", "is_familiar"),
    "novelty_reason": ("novelty", "reason"),
    "verdict": ("verdict", "level"),
    "reasons": ("verdict", "reasons"),
    "seen_in_training": ("seen_in_training",),
    "fingerprint_distance": ("novelty", "fingerprint", "distance"),
    "fingerprint_limit": ("novelty", "fingerprint", "limit"),
    "nearest_source": ("novelty", "fingerprint", "nearest_source"),
    "lung_share": ("heat_checks", "lung_share"),
    "heat_agreement": ("heat_checks", "agreement"),
    "heat_is_trustworthy": ("heat_checks", "is_trustworthy"),
    "heat_reasons": ("heat_checks", "reasons"),
    "neighbours": ("neighbours",),
    "model_split": ("model_split",),
    "sha256": ("sha256",),
}


# What is left blank where an answer is not reliable.
_ANSWER = ("class", "display_name", "sure", "candidates")


def write_films_csv(path: Path, films: Sequence[FilmResult], context: ReportContext) -> None:
    """Write one row a film, UTF-8 with a BOM, no cell a formula.

    Raises:
        RunFolderError: The file cannot be written.
    """
    write_csv(path, table(films, context))


def table(films: Sequence[FilmResult], context: ReportContext) -> Iterator[list[str]]:
    """Yield the titles, the disclaimer among them, then the rows."""
    asked = list(dict.fromkeys(name for film in films for name in film.header))
    yield [
        "file",
        "class",
        *context.card.classes,
        *_COLUMNS,
        *asked,
        "model",
        "model_sha256",
        context.disclaimer,
    ]
    for film in films:
        facts = film_facts(film, context)
        is_hidden = context.hides(film)
        if is_hidden:
            facts |= dict.fromkeys(_ANSWER)
        yield [
            film.file,
            _cell(facts["class"]),
            *("" if is_hidden else f"{p:.6f}" for p in film.opinion.probabilities),
            *(_cell(_at(facts, place)) for place in _COLUMNS.values()),
            *(film.header.get(name, "") for name in asked),
            context.model_file,
            context.card.tensors_sha256,
            "",
        ]


def films_tsv(films: Sequence[FilmResult], context: ReportContext) -> str:
    """Return the table as text for the clipboard: a spreadsheet pastes it into cells."""
    return "".join(
        "\t".join(inert(escaped(cell)) for cell in row) + "\n" for row in table(films, context)
    )


def films_json(films: Iterable[FilmResult], context: ReportContext) -> dict[str, Any]:
    """Return model, films and disclaimer in plain JSON types."""
    return {
        "disclaimer": context.disclaimer,
        "created": context.created.isoformat(timespec="seconds"),
        "program": f"PneumoScope {context.version}",
        "model": model_facts(context),
        "warnings": [context.say(warning) for warning in context.warnings],
        "predictions": [film_facts(film, context) for film in films],
    }


def write_films_json(path: Path, films: Iterable[FilmResult], context: ReportContext) -> None:
    """Write `films_json` as UTF-8.

    Raises:
        RunFolderError: The file cannot be written.
    """
    files.write_user_file(path, json_text(films_json(films, context)).encode())


def _at(facts: dict[str, Any], place: tuple[str, ...]) -> Any:
    value: Any = facts
    for name in place:
        value = None if value is None else value.get(name)
    return value


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.6g}"
        case [{"class": _}, *_]:  # neighbours
            return "; ".join(one["class"] for one in value)
        case list():  # class names have spaces in them, sentences end in a stop
            return (" " if value[0].endswith((".", "。")) else "; ").join(value) if value else ""
        case _:
            return str(value)
