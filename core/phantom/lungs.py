"""Contents of the lungs: branching vessels, and the opacities that make the classes."""

import math

import numpy as np

from core.phantom.canvas import Canvas, Map, spot_density
from core.phantom.thorax import Build

N_ROOTS = 8  # vessels that leave each hilum
N_GENERATIONS = 5
N_SPOTS = 210  # clusters of alveoli that a patch is made of


def draw_vessels(canvas: Canvas, rng: np.random.Generator) -> Map:
    """Draw the arteries and veins of both lungs, thickness in units of density, shape (S, S)."""
    spots = []
    for sign, hilum_y in ((-1.0, -0.05), (1.0, -0.09)):
        turn = np.linspace(-1.35, 1.25, N_ROOTS) + rng.normal(0, 0.12, N_ROOTS)
        x = rng.normal(0.17, 0.02, N_ROOTS)
        y = rng.normal(hilum_y, 0.04, N_ROOTS) + 0.05 * turn
        # Blood sinks: the lower vessels of somebody standing are wider.
        radius = rng.uniform(0.016, 0.022, N_ROOTS) * (1 + 0.15 * turn)
        length = rng.uniform(0.12, 0.20, N_ROOTS)
        for _ in range(N_GENERATIONS):
            n = len(x)
            bend = rng.normal(0, 0.25, n)
            count = canvas.points_along(float(length.max()), float(radius.min()))
            t = np.linspace(0, 1, count)
            heading = turn[:, None] + bend[:, None] * t
            stride = length[:, None] / (count - 1)
            px = x[:, None] + np.cumsum(np.cos(heading), axis=1) * stride
            py = y[:, None] + np.cumsum(np.sin(heading), axis=1) * stride
            taper = radius[:, None] * (1 - 0.22 * t)
            weight = spot_density(7.0 * taper, stride, taper)
            spots.append(np.stack([sign * px, py, taper, weight]).reshape(4, -1))
            fork = np.repeat([[-1.0], [1.0]], n, axis=1) * rng.uniform(0.15, 0.5, (2, n))
            turn = np.clip((heading[:, -1] + fork).ravel(), -1.5, 1.45)  # never back to the heart
            x, y = np.tile(px[:, -1], 2), np.tile(py[:, -1], 2)
            radius = np.tile(radius, 2) * rng.uniform(0.62, 0.8, 2 * n)
            length = np.tile(length, 2) * rng.uniform(0.65, 0.95, 2 * n)
    return canvas.stamp(*np.concatenate(spots, axis=1))


def draw_opacity(label: str, build: Build, canvas: Canvas, rng: np.random.Generator) -> Map:
    """Draw the share of the air that fluid replaces, 0 to 1, shape (S, S).

    NORMAL has none. Viral_Pneumonia has one patch beside the hilum or in a lobe of one
    lung, with coarse spots. COVID has fine, faint patches at the rim of the lower half of
    both lungs. The patterns follow the usual description of these diseases on chest films
    and are far tidier than patients.
    """
    if label == "Viral_Pneumonia":
        share = _consolidation(build, canvas, rng)
    elif label == "COVID":
        share = _ground_glass(build, canvas, rng)
    else:
        return np.zeros_like(canvas.x)
    return 1 - np.exp(-share)


def _consolidation(build: Build, canvas: Canvas, rng: np.random.Generator) -> Map:
    sign = rng.choice([-1.0, 1.0])
    base = min(build.domes)
    cx = sign * rng.uniform(0.34, 0.46)
    cy = rng.uniform(-0.38, base - 0.12)
    tilt = rng.uniform(-0.8, 0.8)
    a, b = rng.uniform(0.16, 0.22), rng.uniform(0.12, 0.15)
    u, v = rng.normal(0, a, N_SPOTS), rng.normal(0, b, N_SPOTS)
    x = cx + np.cos(tilt) * u - np.sin(tilt) * v
    y = cy + np.sin(tilt) * u + np.cos(tilt) * v
    return canvas.stamp(x, y, *_fluid(rng, N_SPOTS, rng.uniform(0.32, 0.42)))


def _ground_glass(build: Build, canvas: Canvas, rng: np.random.Generator) -> Map:
    spots = []
    strength = rng.uniform(0.20, 0.27)
    for sign in (-1.0, 1.0):
        for _ in range(rng.integers(3, 5)):
            n = N_SPOTS // 3
            cx, cy = build.width * rng.uniform(0.68, 0.88), rng.uniform(-0.15, 0.45)
            x = sign * (cx + rng.normal(0, 0.065, n))
            y = cy + rng.normal(0, 0.10, n)
            fluid = _fluid(rng, n, strength * rng.uniform(0.75, 1.2))
            spots.append(np.stack([x, y, *fluid]))
    return canvas.stamp(*np.concatenate(spots, axis=1))


def _fluid(rng: np.random.Generator, n: int, strength: float) -> tuple[Map, Map]:
    """Radii and densities of clusters of filled alveoli; the wide ones are the fainter."""
    sigma = np.clip(rng.lognormal(math.log(0.025), 0.5, n), 0.01, 0.08)
    return sigma, strength * (0.03 / sigma) ** 0.7
