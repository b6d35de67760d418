"""Monitor leads and their pads, which say nothing about the lungs."""

import numpy as np

from core.phantom.canvas import Canvas, Map, spot_density

LEAD_RADIUS = 0.006  # body coordinates
PAD_RADIUS = 0.016


def draw_leads(canvas: Canvas, rng: np.random.Generator) -> Map:
    """Draw up to three leads, as often in the sick as in the healthy, shape (S, S)."""
    spots: list[Map] = []
    for _ in range(max(0, int(rng.integers(-4, 4)))):
        pad = rng.uniform((-0.6, -0.5), (0.6, 0.5))
        end = (rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.1), rng.choice([-1.05, 1.05]))
        sag = (pad + end) / 2 + rng.uniform(-0.35, 0.35, 2)
        length = float(np.hypot(*(sag - pad)) + np.hypot(*(end - sag)))
        count = canvas.points_along(length, LEAD_RADIUS)
        t = np.linspace(0, 1, count)[:, None]
        line = (1 - t) ** 2 * pad + 2 * t * (1 - t) * sag + t**2 * end  # a quadratic Bezier curve
        gap = np.hypot(*np.gradient(line, axis=0).T)
        radius = np.full(count, LEAD_RADIUS)
        weight = spot_density(np.full(count, 0.13), gap, radius)
        spots.append(np.stack([*line.T, radius, weight]))
        spots.append(np.array([[*pad, PAD_RADIUS, 0.3]]).T)
    if not spots:
        return np.zeros_like(canvas.x)
    return canvas.stamp(*np.concatenate(spots, axis=1))
