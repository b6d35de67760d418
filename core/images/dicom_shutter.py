"""The display shutter of a DICOM file: what lies outside is covered (PS3.3, C.7.6.11)."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.images.dicom_geometry import pixel_ratio
from core.images.dicom_values import numbers, texts
from core.images.window import row_bands

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MOST_VERTICES: Final = 2_000
_FARTHEST: Final = 1e5  # pixels; edges beyond are beyond any picture
_EDGES: Final = (
    "ShutterUpperHorizontalEdge",
    "ShutterLowerHorizontalEdge",
    "ShutterLeftVerticalEdge",
    "ShutterRightVerticalEdge",
)


def shutter_of(header: "Dataset", rows: int, columns: int) -> NDArray[np.bool_] | None:
    """Return the pixels outside the shutter, shape (rows, columns).

    Several shapes show what lies within all of them. Places are counted from 1 and the edges
    themselves belong to the picture.

    Returns:
        None where there is no shutter, where it is broken, and where it covers nothing or all.
    """
    shapes = {text.upper() for text in texts(header, "ShutterShape")}
    if not shapes & {"RECTANGULAR", "CIRCULAR", "POLYGONAL"}:
        return None
    outside = np.zeros((rows, columns), np.bool_)
    for shape, cover in (
        ("RECTANGULAR", _cover_rectangle),
        ("CIRCULAR", _cover_circle),
        ("POLYGONAL", _cover_polygon),
    ):
        if shape in shapes:
            try:
                cover(outside, header)
            except ValueError:  # an unreadable shutter hides nothing
                return None
    return outside if outside.any() and not outside.all() else None


def _cover_rectangle(outside: NDArray[np.bool_], header: "Dataset") -> None:
    (top, bottom, left, right) = (_places(header, edge, 1)[0] for edge in _EDGES)
    top, bottom = sorted((top, bottom))
    left, right = sorted((left, right))
    outside[: max(0, top - 1)] = True
    outside[max(0, bottom) :] = True
    outside[:, : max(0, left - 1)] = True
    outside[:, max(0, right) :] = True


def _cover_circle(outside: NDArray[np.bool_], header: "Dataset") -> None:
    row, column = _places(header, "CenterOfCircularShutter", 2)
    (radius,) = _places(header, "RadiusOfCircularShutter", 1)
    across = (np.arange(1, outside.shape[1] + 1) - column) ** 2
    # The radius is counted in pixels along a row.
    down = (pixel_ratio(header) * (np.arange(1, outside.shape[0] + 1) - row)) ** 2
    for band in row_bands(outside.shape[1], outside.shape[0]):
        outside[band] |= down[band, None] + across > radius**2


def _cover_polygon(outside: NDArray[np.bool_], header: "Dataset") -> None:
    places = _places(header, "VerticesOfThePolygonalShutter", None)
    if len(places) < 6 or len(places) % 2 or len(places) > 2 * _MOST_VERTICES:
        raise ValueError("a polygon of another number of vertices")
    vertices = [
        (column - 1, row - 1) for row, column in zip(places[::2], places[1::2], strict=True)
    ]
    inside = Image.new("1", (outside.shape[1], outside.shape[0]))
    ImageDraw.Draw(inside).polygon(vertices, fill=1)
    outside |= ~np.asarray(inside)


def _places(header: "Dataset", keyword: str, n_values: int | None) -> list[int]:
    found: list[Any] = numbers(header, keyword)
    if n_values is not None and len(found) < n_values:
        raise ValueError(f"no {keyword}")
    if found and max(abs(one) for one in found) > _FARTHEST:
        found = [min(max(one, -_FARTHEST), _FARTHEST) for one in found]
    return [round(one) for one in found[:n_values]]
