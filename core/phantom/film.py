"""Draw one film: a patient in a pose, exposed, scattered, developed and labelled."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import DatasetError, Message
from core.phantom.canvas import Canvas, Map, Pose
from core.phantom.foreign import draw_leads
from core.phantom.lungs import draw_opacity, draw_vessels
from core.phantom.skeleton import draw_skeleton
from core.phantom.thorax import Build, draw_chest

CLASSES = ("NORMAL", "Viral_Pneumonia", "COVID")
SIZE_RANGE = (32, 2048)  # pixels
WEAKENING = 2.2  # of the beam by one density, nepers

Seed = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Exposure:
    """Effects of the tube, the film and the processor on the shadow."""

    scatter: float  # share of scattered light
    centre: float  # density that comes out mid grey
    latitude: float  # range of densities between black and white
    heel: tuple[float, float]  # unevenness of the beam across and down the film
    noise: float  # standard deviation, grey levels
    black: float
    white: float
    collimator: tuple[float, float, float, float]  # left, top, right, bottom; film coordinates
    marker: tuple[float, float]  # centre of the side marker, film coordinates

    @classmethod
    def random(cls, rng: np.random.Generator) -> Self:
        """Draw the settings of one exposure."""
        closed = np.where(rng.random(4) < 0.3, rng.uniform(0, 0.1, 4), -0.1)
        left, top, right, bottom = (float(value) for value in closed)
        return cls(
            scatter=rng.uniform(0.05, 0.2),
            centre=rng.uniform(0.55, 0.75),
            latitude=rng.uniform(0.21, 0.30),
            heel=(float(rng.normal(0, 0.04)), float(rng.normal(0, 0.04))),
            noise=rng.uniform(1.0, 4.0),
            black=rng.uniform(0, 14),
            white=rng.uniform(225, 255),
            collimator=(left - 1, top - 1, 1 - right, 1 - bottom),
            marker=(rng.uniform(0.72, 0.9), rng.uniform(-0.9, -0.2)),
        )


def draw_film(label: str, seed: int, size: int = 256) -> NDArray[np.uint8]:
    """Draw a frontal chest film; the same seed is the same patient and exposure in every class.

    Args:
        label: One of CLASSES; changes nothing but the lungs.
        seed: Not negative.
        size: Pixels, both sides, 32 to 2048.

    Returns:
        Grey levels, shape (size, size), 0 = black = air.

    Raises:
        DatasetError: The label, the seed or the size is none of these.
    """
    return draw_exposure(label, (seed,), (seed,), size)


def draw_exposure(label: str, patient: Seed, visit: Seed, size: int) -> NDArray[np.uint8]:
    """Draw one of several films of the same patient.

    Args:
        label: One of CLASSES.
        patient: Seed of anatomy and disease.
        visit: Seed of pose, exposure and noise.
        size: Pixels, both sides.
    """
    if label not in CLASSES:
        raise DatasetError(
            Message(
                "There is no synthetic film called {label}; choose one of: {choices}.",
                label=label,
                choices=", ".join(CLASSES),
            )
        )
    if not SIZE_RANGE[0] <= size <= SIZE_RANGE[1]:
        raise DatasetError(
            Message(
                "A synthetic film cannot be {size} pixels wide; choose {low} to {high}.",
                size=size,
                low=SIZE_RANGE[0],
                high=SIZE_RANGE[1],
            )
        )
    if min(*patient, *visit) < 0:
        raise DatasetError(
            Message("The seed is {seed}; it must not be negative.", seed=min(*patient, *visit))
        )
    body, bones, vessels, disease = (_stream(patient, part) for part in range(4))
    posing, exposing, wiring = (_stream(visit, part) for part in (4, 5, 6))
    build = Build.random(body)
    canvas = Canvas.stretch(size, Pose.random(posing))
    chest = draw_chest(build, canvas)
    share = draw_opacity(label, build, canvas, disease)
    filled = chest.air * (1 - 0.9 * share)
    lung = chest.air * (1 / 0.7)
    density = chest.soft - filled - chest.airways
    density += draw_skeleton(build, chest, canvas, bones)
    density += draw_vessels(canvas, vessels) * np.minimum(lung, 1)
    density += draw_leads(canvas, wiring)
    return _develop(np.maximum(density, 0) * chest.body, canvas, exposing)


def _stream(seed: Seed, part: int) -> np.random.Generator:
    return np.random.default_rng([*seed, part])


def _develop(density: Map, canvas: Canvas, rng: np.random.Generator) -> NDArray[np.uint8]:
    exposure = Exposure.random(rng)
    light = np.exp(-WEAKENING * density)
    veil = _broadly(light, 10)
    light = light * (1 - exposure.scatter) + veil * exposure.scatter
    shade = np.log(light) * (-1 / WEAKENING)
    shade += canvas.film_x * exposure.heel[0]
    shade += canvas.film_y * exposure.heel[1]
    grey = 1 / (1 + np.exp((exposure.centre - shade) / exposure.latitude))
    fog = 1 / (1 + math.exp(exposure.centre / exposure.latitude))
    grey = np.maximum(grey - fog, 0) * (1 / (1 - fog))
    grain = rng.standard_normal(grey.shape, dtype=np.float32)
    grain += np.roll(grain, 1, axis=0)
    grain += np.roll(grain, 1, axis=1)
    grey = exposure.black + (exposure.white - exposure.black) * grey
    # Few photons pass where the film stays white.
    grey += grain * (exposure.noise / 2) * (0.5 + grey * (1 / 255))
    left, top, right, bottom = exposure.collimator
    lit = canvas.edge(np.minimum(canvas.film_x - left, right - canvas.film_x), 0.01)
    lit = lit * canvas.edge(np.minimum(canvas.film_y - top, bottom - canvas.film_y), 0.01)
    grey = grey * lit + exposure.black * (1 - lit)
    grey = np.maximum(grey, _marker(exposure, canvas))
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def _marker(exposure: Exposure, canvas: Canvas) -> Map:
    """Draw a lead L at the patient's left."""
    right = canvas.film_x - exposure.marker[0]
    down = canvas.film_y - exposure.marker[1]
    stem = np.minimum(0.012 - np.abs(right), 0.055 - np.abs(down))
    foot = np.minimum(0.035 - np.abs(right - 0.023), 0.012 - np.abs(down - 0.043))
    return 235 * canvas.edge(np.maximum(stem, foot), 0.012)


def _broadly(image: Map, cells: int) -> Map:
    """Keep of an image only what is wider than its `cells`-th part."""
    small = Image.fromarray(image).resize((cells, cells), Image.Resampling.BOX)
    return np.asarray(small.resize(image.shape[::-1], Image.Resampling.BICUBIC))
