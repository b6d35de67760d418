"""Compare grey levels with other readers, and count answers that a way of writing changes.

    .venv/bin/python tests/benchmarks/grey_levels.py [DATA.zip --model MODEL] [--dcm2pnm PROGRAM]

With a zip, each X-ray is written as DICOM in ways that all mean the same picture, and read by the
model: an answer must not change. Without one, the grey DICOM files that come with pydicom are
compared with pydicom's own LUT functions and, where it is given, with dcmtk's dcmj2pnm.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.uid import JPEG2000, ExplicitVRBigEndian

sys.path.insert(0, str(Path(__file__).parents[2]))

from core.errors import ImageReadError
from core.images.film import square
from core.images.reading import load_xray, read_full
from core.images.window import percentile_window
from core.prediction.classifier import Classifier
from tests.core.images.dicom_files import dataset, written

EXACT = {"WindowCenter": 2047.5, "WindowWidth": 4095, "VOILUTFunction": "LINEAR_EXACT"}
FRAME_PX = 24


def lut(entries: NDArray[np.integer], first: int, bits: int, order: str = "<") -> Dataset:
    """Return a VOI LUT's item."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries), first, bits])
    item.add_new("LUTData", "OW", entries.astype(f"{order}u2").tobytes())
    return item


def ways(film: NDArray[np.uint8]) -> Iterator[tuple[str, bytes, NDArray[np.uint8]]]:
    """Yield ways to write a film, and the picture that each means."""
    wide = film.astype(np.uint16) * 16 + film // 16  # 0 to 4095
    ramp = np.arange(4096)
    yield "0 window", written(dataset(wide, **EXACT)), film
    yield "1 LUT, 16 for its words", written(dataset(wide, VOILUTSequence=[lut(ramp, 0, 16)])), film
    low = dataset(wide, RescaleSlope=1, RescaleIntercept=-1024)
    low.VOILUTSequence = [lut(ramp, -1024, 12)]
    yield "1 LUT, first value below 0", written(low), film
    big = dataset(wide.astype(">u2"), VOILUTSequence=[lut(ramp, 0, 12, ">")])
    data = written(big, ExplicitVRBigEndian, implicit_vr=False, little_endian=False)
    yield "1 LUT, big endian", data, film

    is_frame = np.ones(film.shape, np.bool_)
    is_frame[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX] = False
    framed = np.where(is_frame, 0, film).astype(np.uint8)
    padded = dataset(np.where(is_frame, 65535, wide).astype(np.uint16), **EXACT)
    padded.add_new("PixelPaddingValue", "US", 65535)
    yield "2 padding, window", written(padded), framed
    for keyword in EXACT:
        delattr(padded, keyword)
    inner = load_xray(written(dataset(wide[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX].copy())))
    meant = np.zeros_like(film)
    meant[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX] = inner
    yield "2 padding, no window", written(padded), meant

    target = io.BytesIO()
    Image.fromarray(wide).save(
        target, "JPEG2000", no_jp2=True, irreversible=True, quality_mode="rates",
        quality_layers=[20],
    )  # fmt: skip
    lossy = dataset(wide, BitsStored=12, HighBit=11, **EXACT)
    lossy.PixelData = encapsulate([target.getvalue()])
    lossy["PixelData"].VR, lossy["PixelData"].is_undefined_length = "OB", True
    with Image.open(io.BytesIO(target.getvalue())) as image:
        clamped = np.asarray(image).astype(np.float64).clip(0, 4095)
    yield (
        "3 beyond the stored bits",
        written(lossy, JPEG2000),
        (clamped / 4095 * 255).round().astype(np.uint8),
    )

    half = {"WindowCenter": 1023.75, "WindowWidth": 2047.5, "VOILUTFunction": "LINEAR_EXACT"}
    rescaled = written(dataset(wide, RescaleSlope=0.5, RescaleIntercept=0, **half))
    yield "4 slope 0,5", rescaled.replace(b"0.5 ", b"0,5 "), film
    yield "4 window 1023,75", rescaled.replace(b"1023.75", b"1023,75"), film

    enhanced, macros = dataset(wide, NumberOfFrames=1), Dataset()
    macros.FrameVOILUTSequence, transformation = [Dataset()], Dataset()
    for keyword, value in half.items():
        setattr(macros.FrameVOILUTSequence[0], keyword, value)
    transformation.RescaleSlope, transformation.RescaleIntercept = 0.5, 0
    macros.PixelValueTransformationSequence = [transformation]
    enhanced.PerFrameFunctionalGroupsSequence = [macros]
    yield "5 functional groups", written(enhanced), film

    shut = dataset(np.where(is_frame, 4095, wide).astype(np.uint16), **EXACT)
    shut.ShutterShape = "RECTANGULAR"
    shut.ShutterLeftVerticalEdge = shut.ShutterUpperHorizontalEdge = FRAME_PX + 1
    shut.ShutterRightVerticalEdge = film.shape[1] - FRAME_PX
    shut.ShutterLowerHorizontalEdge = film.shape[0] - FRAME_PX
    yield "6 shutter", written(shut), framed


def count_changes(data: Path, model: Path) -> None:
    """Print by way of writing how many answers change, and by how much."""
    classifier = Classifier.open(model)
    differences: dict[str, list[tuple[int, bool, float]]] = {}
    with zipfile.ZipFile(data) as zipped, tempfile.TemporaryDirectory() as folder:
        for entry in zipped.namelist():
            if entry.endswith("/"):
                continue
            film = load_xray(zipped.read(entry))
            if film.ndim == 3:
                continue
            for way, written_film, meant in ways(film):
                made, plain = Path(folder, "made.dcm"), Path(folder, "meant.png")
                made.write_bytes(written_film)
                Image.fromarray(meant).save(plain)
                try:
                    off = int(np.abs(load_xray(made).astype(int) - meant).max())
                except ImageReadError as error:
                    print(way, error)
                    differences.setdefault(way, []).append((255, True, 1.0))
                    continue
                size = classifier.card.preprocessing.image_size
                films = [square(load_xray(film), size) for film in (made, plain)]
                one, other = (np.array(one.probabilities) for one in classifier.opinions(films))
                is_other = int(one.argmax()) != int(other.argmax())
                found = (off, is_other, float(np.abs(one - other).max()))
                differences.setdefault(way, []).append(found)
    print(f"{'way':<30}{'X-rays':>7}{'answers changed':>17}{'most p':>9}{'most grey':>11}")
    for way, found in differences.items():
        changed = sum(is_other for _, is_other, _ in found)
        most = max(p for _, _, p in found)
        print(f"{way:<30}{len(found):>7}{changed:>17}{most:>9.4f}{max(o for o, _, _ in found):>11}")


def by_pydicom(path: Path) -> NDArray[np.float64]:
    """Return the greys 0 to 255 by pydicom's LUT functions."""
    made = pydicom.dcmread(path, force=True)
    stored = made.pixel_array[0] if (made.get("NumberOfFrames") or 1) > 1 else made.pixel_array
    if made.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(stored, made)
        return np.asarray(colours / (257.0 if colours.dtype.itemsize == 2 else 1.0))
    if stored.ndim == 3:
        return stored.astype(np.float64)  # pydicom makes RGB of it
    values = apply_modality_lut(stored, made)
    if "VOILUTSequence" in made or "WindowCenter" in made:
        shown = apply_voi_lut(values, made, prefer_lut=True).astype(np.float64)
        if "VOILUTSequence" in made:
            high, low = 2.0 ** made.VOILUTSequence[0].LUTDescriptor[2] - 1, 0.0
        else:  # the range that pydicom maps a window to
            bits = 2**made.BitsStored
            ends = np.array(
                [-bits / 2, bits / 2 - 1] if made.PixelRepresentation else [0, bits - 1]
            )
            low, high = np.sort(apply_rescale(ends, made))
    else:
        shown = values.astype(np.float64)
        if stored.dtype.itemsize == 1:
            low, high = 0.0, 255.0
        else:
            different, counts = np.unique(shown, return_counts=True)
            low, high = percentile_window(counts, different)
    greys = ((shown - low) / (high - low) * 255).clip(0, 255)
    return 255 - greys if made.PhotometricInterpretation == "MONOCHROME1" else greys


def apply_rescale(values: NDArray[np.float64], made: Dataset) -> NDArray[np.float64]:
    """Return values after slope and intercept."""
    return values * float(made.get("RescaleSlope", 1)) + float(made.get("RescaleIntercept", 0))


def by_dcmtk(path: Path, program: Path) -> NDArray[np.float64]:
    """Return the greys 0 to 255 by dcmtk, under the same window where the file has none."""
    made = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    how = ["+Wl", "1"] if "VOILUTSequence" in made else ["+Wi", "1"]
    if "VOILUTSequence" not in made and "WindowCenter" not in made:
        full = read_full(path)
        centre, width = full.centre_and_width(full.default)
        how = ["+Ww", str(centre), str(width)]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "shown.pgm")
        done = subprocess.run(
            [program, "-O", *how, "+opb", path, target], capture_output=True, check=False
        )
        if not target.exists():
            raise ValueError(done.stderr.decode()[-80:].strip())
        return np.asarray(Image.open(target)).astype(np.float64)


def compare_readers(program: Path | None) -> None:
    """Print the greatest and the mean difference from other readers, file by file."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    print(f"{'file':<44}{'pydicom max':>12}{'mean':>7}{'dcmtk max':>11}{'mean':>7}")
    for path in sorted(folder.iterdir()):
        try:
            ours = load_xray(path)
        except ImageReadError:
            continue
        cells = ""
        for greys in (by_pydicom, lambda path: by_dcmtk(path, program)):
            if greys is not by_pydicom and program is None:
                continue
            try:
                theirs = greys(path)
                if theirs.ndim == 3 and ours.ndim == 2:
                    theirs = theirs.mean(axis=2)
                off = np.abs(theirs - ours)
                cells += f"{off.max():>12.1f}{off.mean():>7.2f}"
            except Exception as error:  # noqa: BLE001 - the other reader cannot
                cells += f"   {type(error).__name__}: {str(error)[:40]}"
        print(f"{path.name:<44}{cells}")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dcm2pnm", type=Path, help="dcmtk's dcmj2pnm")
    options = parser.parse_args()
    if options.data is None:
        compare_readers(options.dcm2pnm)
    elif options.model is None:
        parser.error("a zip needs --model MODEL")
    else:
        count_changes(options.data, options.model)


if __name__ == "__main__":
    main()
