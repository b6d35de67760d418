"""What is no upright frontal chest film, for `novelty.py`: drawn, or made from real pictures.

Each kind is a list of pictures as the image reader would hand them on: (H, W) or (H, W, 3).
What is drawn stands in for the real thing and is named "drawn ..."; a figure for it says less
than one for real pictures. `folders` reads real ones from a folder with one subfolder a kind.
"""

import string
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from core.errors import ImageReadError
from core.images.reading import load_xray
from core.phantom import CLASSES, draw_film

Picture = NDArray[np.uint8]
SIDE = 320  # pixels, of what is drawn

_ROOT = Path(__file__).resolve().parents[2]


def drawn(n: int) -> dict[str, list[Picture]]:
    """`n` pictures of each kind that need no film."""
    makers: dict[str, Callable[[np.random.Generator], Picture]] = {
        "photograph, colour": _photograph,
        "photograph, grey": lambda rng: _grey(_photograph(rng)),
        "drawn landscape": _landscape,
        "drawn text page": _text_page,
        "screenshot, crop": _screenshot,
        "drawn CT slice": _ct_slice,
        "drawn lateral": _lateral,
        "drawn hand": _hand,
        "drawn phantom film": lambda rng: draw_film(
            CLASSES[rng.integers(3)], int(rng.integers(1 << 30)), 256
        ),
        "blank": _blank,
        "noise": _noise,
        "gradient": _gradient,
    }
    return {
        kind: [make(np.random.default_rng([place, number])) for number in range(n)]
        for place, (kind, make) in enumerate(makers.items())
    }


def spoilt(films: Sequence[Picture]) -> dict[str, list[Picture]]:
    """Films that nobody would read as they are; `mirrored` and `brighter` are for comparison."""
    return {
        "turned left": [np.rot90(film, 1) for film in films],
        "upside down": [np.rot90(film, 2) for film in films],
        "turned right": [np.rot90(film, 3) for film in films],
        "negative": [255 - film for film in films],
        "turned negative": [255 - np.rot90(film) for film in films],
        "squeezed and sheared": [_sheared(film) for film in films],
        "one quarter of a film": [
            film[: film.shape[0] // 2, film.shape[1] // 2 :] for film in films
        ],
        "film on a table": [_on_a_table(film, number) for number, film in enumerate(films)],
        "mirrored": [film[:, ::-1] for film in films],
        "brighter": [np.clip(film * 1.25 + 10, 0, 255).astype(np.uint8) for film in films],
    }


def folders(root: Path) -> dict[str, list[Picture]]:
    """Every readable picture below `root`; the folders in it are the kinds."""
    found: dict[str, list[Picture]] = {}
    for path in sorted(path for path in root.glob("*/**/*") if path.is_file()):
        try:
            picture = load_xray(path)
        except ImageReadError:
            continue
        found.setdefault(f"real {path.relative_to(root).parts[0]}", []).append(picture)
    return found


def _grey(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).convert("L"))


def _crop(picture: Picture, rng: np.random.Generator, least: float) -> Picture:
    """A part of at least `least` of both sides, sometimes mirrored."""
    height, width = picture.shape[:2]
    h, w = (int(rng.uniform(least, 1) * side) for side in (height, width))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    part = picture[top : top + h, left : left + w]
    return np.ascontiguousarray(part[:, ::-1] if rng.random() < 0.5 else part)


def _photograph(rng: np.random.Generator) -> Picture:
    from sklearn.datasets import load_sample_image

    return _crop(load_sample_image(str(rng.choice(["china.jpg", "flower.jpg"]))), rng, 0.3)


def _screenshot(rng: np.random.Generator) -> Picture:
    paths = sorted((_ROOT / "resources" / "screenshots").glob("*.png"))
    with Image.open(paths[rng.integers(len(paths))]) as image:
        return _crop(np.asarray(image.convert("RGB")), rng, 0.5)


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates from -1 to 1: across, down."""
    line = np.linspace(-1, 1, SIDE)
    return line[None, :], line[:, None]


def _ellipse(
    centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0
) -> NDArray[np.bool_]:
    x, y = _grid()
    right, down = x - centre[0], y - centre[1]
    along = right * np.cos(angle) + down * np.sin(angle)
    across = down * np.cos(angle) - right * np.sin(angle)
    return (along / radii[0]) ** 2 + (across / radii[1]) ** 2 < 1


def _finish(grey: NDArray[np.float64], rng: np.random.Generator, blur: float) -> Picture:
    """Blur, add grain, round."""
    soft = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(blur)
    )
    grain = np.asarray(soft) + rng.normal(0, rng.uniform(1, 6), grey.shape)
    return np.clip(np.rint(grain), 0, 255).astype(np.uint8)


def _clouds(rng: np.random.Generator, cells: int) -> NDArray[np.float64]:
    """Smooth noise in [0, 1]."""
    small = Image.fromarray(rng.random((cells, cells)).astype(np.float32))
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float64)


def _landscape(rng: np.random.Generator) -> Picture:
    _, y = _grid()
    horizon = rng.uniform(-0.3, 0.4) + 0.3 * (_clouds(rng, 5)[:1] - 0.5)
    sky = np.array([110, 160, 230]) * (0.7 + 0.3 * _clouds(rng, 6)[..., None])
    land = np.array([90, 120, 60]) * (0.5 + 0.8 * _clouds(rng, 40)[..., None])
    picture = np.where((y < horizon)[..., None], sky, land)
    if rng.random() < 0.5:
        sun = _ellipse((rng.uniform(-0.8, 0.8), rng.uniform(-0.9, -0.4)), (0.12, 0.12))
        picture = np.where(sun[..., None], np.array([255, 240, 190]), picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _text_page(rng: np.random.Generator) -> Picture:
    width, height = [(480, 640), (640, 480), (512, 512)][rng.integers(3)]
    paper, ink = int(rng.integers(225, 256)), int(rng.integers(0, 70))
    if rng.random() < 0.2:
        paper, ink = ink, paper  # light on dark
    page = Image.new("L", (width, height), paper)
    draw = ImageDraw.Draw(page)
    size_px = int(rng.integers(9, 26))
    font = ImageFont.load_default(size_px)
    margin, y = int(rng.integers(10, 60)), int(rng.integers(10, 60))
    n_columns = int(rng.integers(1, 3))
    while y < height - margin:
        for column in range(n_columns):
            x = margin + column * (width - margin) // n_columns
            n_letters = int((width - 2 * margin) / n_columns / size_px * 1.7)
            letters = rng.choice(list(string.ascii_lowercase + "      "), max(n_letters, 3))
            if rng.random() < 0.9:
                draw.text((x, y), "".join(letters), fill=ink, font=font)
        y += int(size_px * rng.uniform(1.2, 1.6))
    return np.asarray(page)


def _ct_slice(rng: np.random.Generator) -> Picture:
    """An axial slice of a chest or a belly on its table."""
    wide, high = rng.uniform(0.7, 0.9), rng.uniform(0.45, 0.65)
    grey = np.zeros((SIDE, SIDE))
    grey[_ellipse((0, 0), (wide, high))] = rng.uniform(60, 90)  # fat
    grey[_ellipse((0, 0), (wide * 0.9, high * 0.88))] = rng.uniform(120, 150)
    if rng.random() < 0.6:
        for side in (-1, 1):
            grey[_ellipse((side * wide * 0.45, -0.02), (wide * 0.32, high * 0.62), side * 0.15)] = (
                rng.uniform(10, 35)
            )
        grey[_ellipse((0.08, -0.1), (0.2, 0.22))] = rng.uniform(150, 175)  # heart
    else:
        grey[_ellipse((-wide * 0.35, -0.1), (wide * 0.45, high * 0.5), 0.2)] = 165  # liver
        grey[_ellipse((wide * 0.5, 0), (wide * 0.2, high * 0.3))] = 160
    grey[_ellipse((0, high * 0.55), (0.12, 0.14))] = rng.uniform(215, 250)  # vertebra
    grey[_ellipse((0, high * 0.62), (0.05, 0.05))] = 130
    x, y = _grid()
    table = np.abs(y - (high + 0.06) - 0.05 * x**2) < 0.015
    grey[table & (np.abs(x) < 0.9)] = 120
    return _finish(grey, rng, rng.uniform(0.5, 2))


def _lateral(rng: np.random.Generator) -> Picture:
    """A lateral chest in outline: spine behind, breastbone before, one lung field, a heart."""
    x, y = _grid()
    lean = rng.uniform(-0.1, 0.1)
    grey = np.zeros((SIDE, SIDE))
    body = _ellipse((lean, 0.15), (rng.uniform(0.6, 0.75), 1.15))
    grey[body] = rng.uniform(120, 150)
    lung = _ellipse((lean - 0.03, -0.05), (rng.uniform(0.38, 0.5), rng.uniform(0.65, 0.8)), -0.12)
    grey[lung & body] = rng.uniform(35, 65)
    grey[_ellipse((lean - 0.2, 0.25), (0.27, 0.3), 0.5) & body] = rng.uniform(140, 170)  # heart
    dome = y > 0.55 + 0.15 * np.cos(3 * (x - lean)) * rng.uniform(0.5, 1)
    grey[dome & body] = rng.uniform(170, 210)
    spine = lean + 0.42 + 0.1 * np.cos(2 * y)
    on_spine = np.abs(x - spine) < 0.1
    grey[on_spine & body] += rng.uniform(40, 70)
    grey[on_spine & body & (np.mod(y * rng.uniform(5, 6), 1) < 0.2)] -= 40  # discs
    grey[(np.abs(x - (lean - 0.5 + 0.1 * y)) < 0.025) & (y < 0.3) & body] += 60  # breastbone
    for place in np.arange(-0.7, 0.5, 0.18):  # ribs
        rib = np.abs(y - place - 0.5 * (x - lean)) < 0.015
        grey[rib & lung] += 25
    arm = _ellipse((lean - 0.1, -0.95), (0.7, 0.22), 0.2)
    grey[arm] = np.maximum(grey[arm], 150)
    if rng.random() < 0.5:
        grey = grey[:, ::-1]
    return _finish(grey, rng, rng.uniform(1.5, 4))


def _hand(rng: np.random.Generator) -> Picture:
    flesh = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(flesh)
    scale = SIDE * rng.uniform(0.8, 1.05)
    wrist = np.array([SIDE / 2, SIDE * 0.78]) + rng.uniform(-15, 15, 2)
    soft, bone = int(rng.integers(70, 110)), int(rng.integers(150, 220))
    angles = np.deg2rad(np.array([-55, -22, -5, 12, 30]) + rng.uniform(-5, 5, 5))
    lengths = scale * np.array([0.45, 0.66, 0.72, 0.66, 0.55])
    for stroke, share in ((soft, 0.085), (bone, 0.035)):
        if stroke == soft:
            palm = [*(wrist - scale * 0.2), *(wrist + scale * 0.2)]
            draw.ellipse(palm, fill=soft)
            forearm = [wrist[0] - scale * 0.11, wrist[1], wrist[0] + scale * 0.11, SIDE]
            draw.rectangle(forearm, fill=soft)
        for angle, length in zip(angles, lengths, strict=True):
            way = np.array([np.sin(angle), -np.cos(angle)])
            joints = [0.1, 0.42, 0.44, 0.66, 0.68, 0.84, 0.86, 1.0]
            pairs = [(0.1, 1.0)] if stroke == soft else zip(joints[::2], joints[1::2], strict=True)
            for start, end in pairs:
                line = [*(wrist + way * length * start), *(wrist + way * length * end)]
                draw.line(line, fill=stroke, width=max(2, int(scale * share)))
    turned = flesh.rotate(float(rng.uniform(-20, 20)))
    return _finish(np.asarray(turned, np.float64), rng, rng.uniform(0.8, 2))


def _blank(rng: np.random.Generator) -> Picture:
    level = int(rng.choice([0, 255, rng.integers(256)]))
    grey = np.full((SIDE, SIDE), level, np.float64)
    if rng.random() < 0.4:
        grey += rng.normal(0, 1.5, grey.shape)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator) -> Picture:
    cells = int(rng.choice([8, 16, 32, SIDE]))
    if cells == SIDE:
        return np.clip(rng.normal(128, rng.uniform(20, 60), (SIDE, SIDE)), 0, 255).astype(np.uint8)
    return np.clip(255 * _clouds(rng, cells), 0, 255).astype(np.uint8)


def _gradient(rng: np.random.Generator) -> Picture:
    x, y = _grid()
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.hypot(x, y) if rng.random() < 0.4 else x * np.cos(angle) + y * np.sin(angle)
    ramp = (ramp - ramp.min()) / (ramp.max() - ramp.min())
    return (255 * (1 - ramp if rng.random() < 0.5 else ramp)).astype(np.uint8)


def _sheared(film: Picture) -> Picture:
    """A film at half its width and leaning: no lateral, but no frontal chest any more either."""
    height, width = film.shape[:2]
    lean = 0.35 * width / height
    return np.asarray(
        Image.fromarray(film).transform(
            (width, height),
            Image.Transform.AFFINE,
            (2.0, lean, -0.5 * width - lean * height / 2, 0, 1, 0),
            Image.Resampling.BILINEAR,
        )
    )


def _on_a_table(film: Picture, number: int) -> Picture:
    """A small film photographed aslant on a bright table."""
    rng = np.random.default_rng(number)
    side = 400
    table = np.clip(rng.uniform(120, 220) + 40 * (_clouds(rng, 20) - 0.5), 0, 255)
    picture = Image.fromarray(table.astype(np.uint8)).resize((side, side))
    small = Image.fromarray(film).convert("L").resize((int(side * 0.5), int(side * 0.55)))
    angle = float(rng.uniform(-15, 15))
    mask = Image.new("L", small.size, 255).rotate(angle, expand=True)
    place = (int(rng.integers(20, 120)), int(rng.integers(20, 100)))
    picture.paste(small.rotate(angle, expand=True), place, mask)
    return np.asarray(picture)
