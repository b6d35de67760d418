"""A Read page whose model answers at once, whatever its file; no Paddle."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from app.drops import PastedPictures
from app.reading import viewmodel as reading_module
from app.reading.viewmodel import Wanted, WantedModel
from core.data.records import display_names
from core.errors import ImageReadError, Message, Refusal
from core.events import Progress
from core.images.reading import load_xray
from core.models.model_card import ModelCard
from core.prediction.film_search import FoundFilm, RefusedFilm
from core.prediction.reading import FilmResult
from core.prediction.verdict import ModelLimits, Opinion
from tests.core.models.model_bytes import card
from tests.core.prediction.made_results import (
    CLASSES,
    NORMAL,
    film_result,
    novelty,
    opinion_of,
)

MODEL = Path("runs/best.safetensors")


class Readings:
    """Opens any file as a model of three classes; reads files without a network.

    Args:
        patch: Takes the place of the real work for as long as it lasts.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.opinions: dict[str, Opinion] = {}  # by a film's name; of others `opinion(NORMAL)`
        self.split: dict[str, tuple[str, ...]] = {}  # digests of the model's own films
        self.calibration: dict[str, Any] | None = {"temperature": 1.0}
        self.gate = threading.Event()  # the reading of films after the first waits for it
        self.opening = threading.Event()  # the opening of a model waits for it
        self.gate.set()
        self.opening.set()
        patch.setattr(reading_module, "open_wanted", self._open)
        patch.setattr(reading_module, "read_wanted", self._read)

    def card(self) -> ModelCard:
        """What the model says about itself."""
        parts = dict.fromkeys(("train", "validation", "test", "kept"), ())
        return cast(
            ModelCard,
            card(
                classes=CLASSES,
                display_names={name: display_names(name) for name in CLASSES},
                split={**parts, **self.split},
                calibration=self.calibration,
                tensors_sha256="ab" * 32,
            ),
        )

    def _open(self, model: WantedModel) -> Iterator[object]:
        yield Progress(Message("Opening the model …"), 0, 0)
        assert self.opening.wait(60)
        yield SimpleNamespace(card=self.card(), path=model.path, limits=ModelLimits())

    def _read(
        self, _classifier: object, wanted: Sequence[Wanted], _store: Path, pasted: PastedPictures
    ) -> Iterator[object]:
        found = [
            film
            for some in wanted
            for film in (*some.films, *pasted.save(some.pictures), *some.paths)
        ]
        for done, film in enumerate(found):
            yield Progress(Message("Looking for films"), done, len(found))
            if done:
                assert self.gate.wait(60)
            if isinstance(film, Path):
                film = FoundFilm.at(film)
            if isinstance(film, FoundFilm):
                yield self._answer(film)

    def _answer(self, film: FoundFilm) -> FilmResult | RefusedFilm:
        try:
            picture = load_xray(film.path)
        except ImageReadError as error:
            refusal = Refusal(film.file, error.message)
            return RefusedFilm(name=film.name, refusal=refusal)
        digest = digest_of(film.path)
        parts = {one: part for part, some in self.split.items() for one in some}
        return film_result(
            film.path,
            name=film.name,
            file=film.file,
            digest=digest,
            thumbnail=picture,
            opinion=self.opinions.get(film.name, opinion(NORMAL)),
            part=parts.get(digest),
        )


def opinion(label: int, *, is_familiar: bool = True, **changes: Any) -> Opinion:
    """An answer of 80 % for a class; the others share the rest."""
    return opinion_of(label, novelty=novelty(is_familiar=is_familiar), **changes)


def digest_of(path: Path) -> str:
    """As films are known by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_films(folder: Path, n: int) -> list[Path]:
    """Small films, no two alike, called `a.png`, `b.png` and so on."""
    films = []
    for number in range(n):
        pixels = np.full((40, 30), 40 + number, np.uint8)
        pixels[10:30, 5:25] = 200 - number
        films.append(folder / f"{chr(ord('a') + number)}.png")
        Image.fromarray(pixels).save(films[-1])
    return films
