"""The viewer: a shutter that can be switched off, all windows and LUTs, round discs."""

from collections.abc import Iterator

import numpy as np
import pytest
from pydicom.dataset import Dataset
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.widgets.viewer import FilmPane, ViewerDesk
from app.widgets.viewer.commands import Command
from core.images.reading import load_xray, read_full
from tests.core.images.dicom_files import dicom

ROWS, COLUMNS = np.mgrid[0:64, 0:128]
RAMP = (ROWS * 16 + COLUMNS * 8).astype(np.uint16)
SHUTTER = {
    "ShutterShape": "RECTANGULAR",
    "ShutterLeftVerticalEdge": 1,
    "ShutterRightVerticalEdge": 64,
    "ShutterUpperHorizontalEdge": 1,
    "ShutterLowerHorizontalEdge": 64,
}


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[ViewerDesk]:
    made = ViewerDesk()
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show()
    yield made
    made.hide()


def grabbed(pane: FilmPane) -> QImage:
    return pane.grab().toImage()


def grey_at(pane: FilmPane, across: float, down: float) -> int:
    """The grey that is drawn at a place of the film, in fractions of its sides."""
    assert pane.state is not None
    size = pane.state.size
    place = pane.place_of(QPointF(across * size.width(), down * size.height()))
    return grabbed(pane).pixelColor(place.toPoint()).red()


def test_the_shutter_is_drawn_and_can_be_switched_off(desk: ViewerDesk) -> None:
    desk.show_film(0, read_full(dicom(RAMP, **SHUTTER)), "shut.dcm")
    pane = desk.panes[0]
    action = desk._actions[Command.SHUTTER]
    assert action.isEnabled()
    assert action.isChecked()
    assert grey_at(pane, 0.75, 0.5) == 0
    action.trigger()
    assert not action.isChecked()
    assert grey_at(pane, 0.75, 0.5) > 200
    pane.invert()
    action.trigger()
    assert grey_at(pane, 0.75, 0.5) == 0
    desk.show_film(0, read_full(dicom(RAMP)), "open.dcm")
    assert not action.isEnabled()


def test_padding_stays_black_and_is_named_under_the_pointer(desk: ViewerDesk) -> None:
    padded = np.where(COLUMNS >= 64, 65535, RAMP).astype(np.uint16)
    desk.show_film(0, read_full(dicom(padded, PixelPaddingValue=65535)), "padded.dcm")
    pane = desk.panes[0]
    pane.invert()
    assert grey_at(pane, 0.75, 0.5) == 0
    assert pane.state is not None
    assert pane.state.level_text(QPointF(100.5, 30.5)) == "padding"
    assert pane.state.presets[1].window.high < 3000  # of the full range


def lut(name: str, entries: np.ndarray) -> Dataset:
    item = Dataset()
    item.LUTExplanation = name
    item.add_new("LUTDescriptor", "US", [len(entries), 0, 12])
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return item


def test_all_luts_and_windows_are_offered_and_the_first_is_the_readers(desk: ViewerDesk) -> None:
    rising, falling = np.arange(4096), np.arange(4096)[::-1]
    data = dicom(
        RAMP,
        VOILUTSequence=[lut("NORMAL", rising), lut("", falling)],
        WindowCenter=[1000, 400],
        WindowWidth=[2000, 300],
        WindowCenterWidthExplanation=["WIDE", "NARROW"],
    )
    film = read_full(data)
    assert [name for name, _ in film.file_windows] == ["NORMAL", "", "WIDE", "NARROW"]
    assert film.default == film.file_windows[0][1]
    shown = [film.table(window)[film.values].astype(int) for _, window in film.file_windows]
    assert np.abs(shown[0] - load_xray(data)).max() <= 1
    assert np.abs(shown[0] - (255 - shown[1])).max() <= 1
    plain = load_xray(dicom(RAMP, WindowCenter=400, WindowWidth=300))
    assert np.abs(shown[3] - plain).max() <= 1
    desk.show_film(0, film, "luts.dcm")
    state = desk.panes[0].state
    assert state is not None
    assert [one.words() for one in state.presets if one.kind == "file"] == [
        "File: NORMAL", "File: VOI LUT 2", "File: WIDE", "File: NARROW",
    ]  # fmt: skip
    desk.panes[0].set_window(state.presets[5].window)
    assert state.preset == state.presets[5]
    desk.panes[0].drag_window(20, 0)  # a LUT is stretched, and stays the LUT
    assert state.window.curve


@pytest.mark.parametrize("function", ["SIGMOID", "LINEAR_EXACT", "LINEAR", " sigmoid"])
def test_a_voi_function_is_that_of_the_standard(function: str) -> None:
    made = dicom(RAMP, WindowCenter=900, WindowWidth=700, VOILUTFunction=function)
    values, name = RAMP.astype(float), function.strip().upper()
    expected = {
        "SIGMOID": 255 / (1 + np.exp(-4 * (values - 900) / 700)),
        "LINEAR_EXACT": ((values - 900) / 700 + 0.5) * 255,
        "LINEAR": ((values - 899.5) / 699 + 0.5) * 255,
    }[name].clip(0, 255)
    assert np.abs(load_xray(made) - expected).max() <= 0.51


@pytest.mark.parametrize(
    "elements",
    [
        {"PixelSpacing": [0.2, 0.1]},
        {"ImagerPixelSpacing": [0.2, 0.1]},
        {"PixelAspectRatio": [2, 1]},
    ],
)
def test_a_disc_of_oblong_pixels_is_round(elements: dict[str, object]) -> None:
    disc = ((2 * (ROWS - 31.5)) ** 2 + (COLUMNS - 63.5) ** 2 < 40**2).astype(np.uint8) * 200 + 20
    data = dicom(disc, **elements)
    read, full = load_xray(data), read_full(data)
    assert read.shape == full.values.shape == (128, 128)
    inside = read > 100
    assert abs(int(inside.any(axis=0).sum()) - int(inside.any(axis=1).sum())) <= 2
    if full.spacing is not None:
        assert (full.spacing.across_mm, full.spacing.down_mm) == pytest.approx((0.1, 0.1))
    lying = load_xray(dicom(disc.T.copy(), **{key: value[::-1] for key, value in elements.items()}))
    assert np.array_equal(lying, read.T)


def test_an_absurd_ratio_of_pixels_is_not_used() -> None:
    for ratio in ([0, 1], [1, 0], [100, 1], [1, 1]):
        assert load_xray(dicom(RAMP, PixelAspectRatio=ratio)).shape == RAMP.shape
