"""Bone: ribs, spine, collar bones, shoulder blades, upper arms."""

import numpy as np

from core.phantom.canvas import Canvas, Map, dome, ellipse
from core.phantom.thorax import Build, Chest

N_RIBS = 12
FIRST_RIB = -0.80  # y where the first rib meets the spine


def draw_skeleton(build: Build, chest: Chest, canvas: Canvas, rng: np.random.Generator) -> Map:
    """Draw the density of all bones, shape (S, S)."""
    side = np.abs(chest.x)
    bone = _ribs(build, chest, canvas, side, rng)
    bone += _spine(chest, canvas, side)
    bone += _collar_bones(canvas, side)
    bone += _shoulders(build, canvas, side)
    return build.bone * bone


def _ribs(build: Build, chest: Chest, canvas: Canvas, side: Map, rng: np.random.Generator) -> Map:
    """Ribs are hoops that tilt forwards: seen from the front, the two halves of ellipses."""
    flank = np.minimum(chest.flank, 0.97)
    depth = dome(flank)
    # Vertical run for a horizontal step, to measure the width across the rib.
    slope = build.rib_drop * flank / (depth * chest.half_width)
    across = 1 / np.sqrt(1 + slope * slope)
    jitter = rng.normal(0, 0.05, (2, N_RIBS + 2)).astype(np.float32)
    girth = rng.uniform(0.9, 1.1, N_RIBS + 2).astype(np.float32)
    inside = canvas.edge((1 - chest.flank) * chest.half_width, 0.03)

    total = np.zeros_like(side)
    for front in (False, True):
        turn = 1 + depth if front else 1 - depth
        dip = -0.05 * np.exp(-side * side * 40) if not front else 0
        height = canvas.y - FIRST_RIB - build.rib_drop * turn + dip
        phase = height * (1 / build.rib_gap)
        nearest = np.clip(np.rint(phase), -1, N_RIBS)
        number = nearest.astype(np.intp) + 1
        off = (phase - nearest - jitter[int(front)][number]) * build.rib_gap
        half = (0.033 if front else 0.029) * girth[number]
        ratio = np.abs(off) * across / half
        # A tube with a dense shell: the rims are brighter than the middle.
        shell = canvas.edge((1 - ratio) * 0.03, 0.014)
        tube = shell * (0.55 + 0.45 * _rim(ratio))
        on_edge = 1 / (0.45 + 0.55 * depth)
        if front:  # becomes cartilage towards the breastbone
            tube *= 0.75 * canvas.edge(chest.flank - 0.55, 0.3)
        tube *= ((number >= 1) & (number <= (7 if front else N_RIBS - 1))) * on_edge
        total += tube
    return 0.095 * total * inside


def _spine(chest: Chest, canvas: Canvas, side: Map) -> Map:
    y = canvas.y
    column = canvas.edge(0.08 + 0.015 * y - side, 0.05)
    turn = (y + 1) * (2 * np.pi / 0.145)
    discs = np.cos(turn)
    bodies = 0.07 + 0.04 * discs
    pedicles = np.exp(-(((side - 0.05) / 0.014) ** 2)) * np.maximum(discs, 0) * 0.08
    processes = np.exp(-((side / 0.016) ** 2)) * np.maximum(-discs, 0) * 0.09
    return column * (bodies + pedicles + processes)


def _collar_bones(canvas: Canvas, side: Map) -> Map:
    """Draw a collarbone: a flat S from the breastbone to the shoulder."""
    along = (side - 0.09) * (1 / 0.8)
    turn = along * (2 * np.pi)
    middle = -0.54 - 0.2 * along + 0.022 * np.sin(turn)
    slope = -0.25 + 0.17 * np.cos(turn)
    half = 0.030 + 0.022 * np.maximum(0.25 - along, 0) * 4
    off = np.abs(canvas.y - middle) / np.sqrt(1 + slope * slope)
    ratio = off / half
    tube = canvas.edge((1 - ratio) * 0.03, 0.016)
    ends = canvas.edge(along, 0.03) * canvas.edge(1.0 - along, 0.05)
    return 0.17 * tube * ends * (0.6 + 0.4 * _rim(ratio))


def _shoulders(build: Build, canvas: Canvas, side: Map) -> Map:
    y = canvas.y
    outer = build.width + build.wall
    # The blade is a triangle that hangs from the socket beside the rib cage.
    inner = build.width - 0.08 + 0.10 * (y + 0.3)
    lateral = outer + 0.08 - 0.30 * (y + 0.45)
    border = np.minimum(side - inner, lateral - side)
    blade = canvas.edge(border, 0.03) * canvas.edge(y + 0.55, 0.3)
    blade *= canvas.edge(0.02 - y, 0.25)
    rim = blade * np.exp(-(((border - 0.012) / 0.012) ** 2))
    joint_x = outer + 0.20
    head = canvas.edge((1 - ellipse(side, y, (joint_x, -0.56), (0.115, 0.12))) * 0.11, 0.02)
    shaft_axis = joint_x + 0.04 + build.arm * (y + 0.45)
    ratio = np.abs(side - shaft_axis) * (1 / 0.062)
    shaft = canvas.edge((1 - ratio) * 0.06, 0.02) * canvas.edge(y + 0.5, 0.1)
    shaft *= 0.55 + 0.45 * _rim(ratio)
    return 0.035 * blade + 0.05 * rim + 0.22 * np.maximum(head, shaft)


def _rim(ratio: Map) -> Map:
    """0 on the axis of a bone, rising late to 1 at its shell."""
    square = np.minimum(ratio, 1)
    square = square * square
    return square * square
