"""Soft tissue and air: body outline, lungs, heart, great vessels, airways, diaphragm."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from core.phantom.canvas import Canvas, Map, dome, ellipse, smooth_step


@dataclass(frozen=True, slots=True)
class Build:
    """One patient's shape, in body coordinates (see core.phantom.canvas)."""

    width: float  # half of the rib cage, at its widest
    apex: float  # y of the lung tops
    wall: float  # thickness of the chest wall
    depth: float  # from breastbone to spine, 1 = average
    domes: tuple[float, float]  # y of the diaphragm, right and left
    heart: float  # size, 1 = average
    heart_shift: float
    knob: float  # radius of the aortic arch seen end on
    bend: float  # of the spine to a side
    breast: float  # density, 0 = none
    gas: float  # density that the air in the stomach takes away
    arm: float  # how far the elbows point outwards
    rib_gap: float
    rib_drop: float  # half the height that a rib loses from back to front
    bone: float  # mineral, 1 = average

    @classmethod
    def random(cls, rng: np.random.Generator) -> Self:
        """Draw an adult."""
        right = rng.uniform(0.38, 0.58)
        return cls(
            width=rng.uniform(0.68, 0.78),
            apex=rng.uniform(-0.84, -0.76),
            wall=rng.uniform(0.08, 0.24),
            depth=rng.uniform(0.9, 1.1),
            domes=(right, right + rng.uniform(0.0, 0.09)),
            heart=rng.uniform(0.85, 1.12),
            heart_shift=rng.uniform(-0.03, 0.04),
            knob=rng.uniform(0.07, 0.095),
            bend=float(rng.normal(0, 0.012)),
            breast=max(0.0, rng.uniform(-0.12, 0.16)),
            gas=max(0.0, rng.uniform(-0.2, 0.45)),
            arm=rng.uniform(0.0, 0.5),
            rib_gap=rng.uniform(0.135, 0.15),
            rib_drop=rng.uniform(0.17, 0.25),
            bone=rng.uniform(0.8, 1.2),
        )


@dataclass(frozen=True, slots=True)
class Chest:
    """Maps of one patient on one canvas, each (S, S)."""

    x: Map  # distance from the patient's own midline, negative on the patient's right
    flank: Map  # |x| as a fraction of the rib cage's half-width at this height
    half_width: Map  # of the rib cage at this height
    body: Map  # 1 inside the skin
    soft: Map  # density of everything soft, the lungs counted as solid
    air: Map  # density that the air in the lungs takes away
    airways: Map  # the same for trachea and main bronchi


def draw_chest(build: Build, canvas: Canvas) -> Chest:
    """Lay the soft parts of a patient on the film."""
    y = canvas.y
    x = canvas.x - build.bend * np.sin(3 * y)
    side = np.abs(x)
    half_width = _rib_cage(build, y)
    flank = side / half_width
    body, tissue = _body(build, canvas, side)
    shadow = _mediastinum(build, canvas, x, side)
    lungs = _lungs(build, canvas, x, side, half_width)
    # Some lung lies behind the heart and in front of the spine.
    air = lungs * dome(np.minimum(flank, 1) * 0.96) * (1 - 0.86 * shadow)
    air *= 0.80 * build.depth * (0.35 + half_width * 0.9)
    soft = tissue + 0.12 * shadow + _breasts(build, canvas, side)
    soft -= _stomach_gas(build, canvas, x)
    return Chest(
        x=x,
        flank=flank,
        half_width=half_width,
        body=body,
        soft=soft,
        air=air,
        airways=_airways(canvas, x),
    )


def _rib_cage(build: Build, y: Map) -> Map:
    """Half-width of the rib cage: a dome above, nearly a tube below."""
    waist = 0.5
    up = np.clip((waist - y) * (1 / (0.5 - build.apex)), 0, 1)
    down = np.maximum(y - waist, 0)
    narrow = 1 - up * up * (0.42 + 0.58 * up) - down * down * 0.3
    return build.width * np.sqrt(np.maximum(narrow, 1e-3))


def _body(build: Build, canvas: Canvas, side: Map) -> tuple[Map, Map]:
    y = canvas.y
    outer = build.width + build.wall
    neck = canvas.edge(0.27 + np.maximum(y + 1, 0) - side, 0.05)
    shoulder_line = -1.02 + (0.12 + 0.2 * side) * side
    below = y - shoulder_line
    axilla = outer + 0.32 * smooth_step(-0.28 - y, 0.55)
    torso = canvas.edge(axilla - side, 0.02) * canvas.edge(below, 0.02)
    body = np.maximum(neck, torso)
    arm_axis = outer + 0.24 + build.arm * (y + 0.45)
    arm = canvas.edge(0.17 - np.abs(side - arm_axis), 0.02) * canvas.edge(y + 0.5, 0.4)
    thick = build.depth * (1 + 0.16 * smooth_step(y - 0.55, 0.5))
    rounded = dome(np.minimum(side / axilla, 1))
    tissue = thick * (0.18 + 0.82 * rounded) * torso
    tissue *= 0.35 + 0.65 * np.sqrt(np.clip(below / 0.7, 0, 1))
    tissue = np.maximum(tissue, 0.72 * neck * dome(np.minimum(side / 0.36, 1)))
    limb = 0.46 * arm * dome(np.minimum(np.abs(side - arm_axis) / 0.18, 1))
    return np.maximum(body, arm), np.maximum(tissue, limb)


def _lungs(build: Build, canvas: Canvas, x: Map, side: Map, half_width: Map) -> Map:
    y = canvas.y
    high = np.maximum(-0.42 - y, 0)
    inner = 0.09 + high * high * 0.9
    off = side - 0.29
    top = canvas.edge(y - (build.apex + 0.04) - off * off * 2.6, 0.035)
    outside = canvas.edge(half_width - side, 0.02)
    inside = canvas.edge(side - inner, 0.05)
    level = np.where(x < 0, *build.domes).astype(x.dtype)
    off = side - 0.34
    drop = off * off * np.where(off > 0, 1.75, 0.9).astype(x.dtype)
    above = canvas.edge(level + drop - y, 0.025)
    # The lungs reach down behind the diaphragm.
    behind = 0.10 * canvas.edge(level + drop + 0.14 - y, 0.2)
    return top * outside * inside * np.maximum(above, behind)


def _mediastinum(build: Build, canvas: Canvas, x: Map, side: Map) -> Map:
    """1 where heart and great vessels push the lung aside."""
    y, size = canvas.y, build.heart
    x = x - build.heart_shift
    base = 0.5 * (build.domes[0] + build.domes[1])
    parts = (
        ((0.13, base - 0.15), (0.37 * size, 0.23 * size), 0.62),  # ventricles
        ((-0.045, base - 0.18), (0.15 * size, 0.32 * size), 0.0),  # right atrium
        ((0.07, base - 0.47), (0.12, 0.30), -0.12),  # pulmonary trunk
        ((0.085, -0.31), (build.knob, build.knob * 1.3), 0.0),  # aortic arch
        ((-0.04, -0.36), (0.105, 0.40), 0.0),  # superior vena cava
    )
    free = 1 - canvas.edge(0.10 - side, 0.06)
    for centre, radii, tilt in parts:
        inside = (1 - ellipse(x, y, centre, radii, tilt)) * min(radii)
        free *= 1 - canvas.edge(inside, 0.06)  # products round off the notches between parts
    return 1 - free


def _airways(canvas: Canvas, x: Map) -> Map:
    y = canvas.y
    carina = -0.24
    trachea = dome(np.minimum(np.abs(x) / 0.052, 1)) * canvas.edge(carina - y, 0.1)
    below = np.maximum(y - carina, 0)
    bronchi = np.zeros_like(x)
    for slope in (-1.0, 1.35):
        off = np.abs(x - slope * below) * (1 / (1 + slope * slope) ** 0.5)
        tube = dome(np.minimum(off / 0.034, 1))
        bronchi = np.maximum(bronchi, tube)
    bronchi *= canvas.edge(y - carina, 0.05) * canvas.edge(0.13 - below, 0.1)
    return 0.24 * trachea + 0.1 * bronchi


def _breasts(build: Build, canvas: Canvas, side: Map) -> Map:
    if build.breast == 0:
        return np.zeros_like(side)
    ratio = ellipse(side, canvas.y, (0.44, 0.36), (0.34, 0.30), 0.3)
    return build.breast * dome(np.minimum(ratio, 1))


def _stomach_gas(build: Build, canvas: Canvas, x: Map) -> Map:
    if build.gas == 0:
        return np.zeros_like(x)
    ratio = ellipse(x, canvas.y, (0.36, build.domes[1] + 0.16), (0.17, 0.085), 0.1)
    return build.gas * dome(np.minimum(ratio, 1))
