"""A zip of synthetic films in the layout of the reference recipe."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import DatasetError, Message
from core.events import Progress
from core.files import part_path, sync_folder
from core.phantom.film import CLASSES, draw_exposure

FOLDER = "input_data"
TIMESTAMP = (2020, 1, 1, 0, 0, 0)  # the same seed makes the same bytes


def write_dataset(
    path: Path,
    n_per_class: int = 120,
    size: int = 256,
    seed: int = 0,
    images_per_patient: int = 2,
) -> Iterator[Progress]:
    """Write `input_data/<class>/<patient>_<number>.png` into a zip, whole or not at all.

    The films of one patient share anatomy and disease and differ in pose, exposure,
    leads and noise. A patient number belongs to one class only.

    Args:
        path: The zip; replaced if it exists.
        n_per_class: Films of each class, at least 1.
        size: Pixels, both sides, 32 to 2048.
        seed: Not negative; the same arguments make the same bytes.
        images_per_patient: At least 1; the last patient may have fewer.

    Yields:
        Progress after each film; closing the generator leaves no file behind.

    Raises:
        DatasetError: An argument is out of its range, or the zip cannot be written.
    """
    for name, value in (("n_per_class", n_per_class), ("images_per_patient", images_per_patient)):
        if value < 1:
            raise DatasetError(
                Message("{name} is {value}; it must be at least 1.", name=name, value=value)
            )
    try:
        part = part_path(path)
        try:
            with part.open("xb") as file:
                with zipfile.ZipFile(file, "w") as archive:
                    yield from _write_films(archive, n_per_class, size, seed, images_per_patient)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise DatasetError(
            Message(
                "The synthetic films cannot be written to {file}: {reason}. "
                "Choose another folder or free some space.",
                file=str(path),
                reason=error.strerror or str(error),
            )
        ) from error


def _write_films(
    archive: zipfile.ZipFile, n_per_class: int, size: int, seed: int, images_per_patient: int
) -> Iterator[Progress]:
    total = n_per_class * len(CLASSES)
    stage = Message("Drawing synthetic films")
    for done in range(total):
        number, which = divmod(done, len(CLASSES))
        group, image = divmod(number, images_per_patient)
        patient = group * len(CLASSES) + which
        film = draw_exposure(CLASSES[which], (seed, patient), (seed, patient, image), size)
        entry = zipfile.ZipInfo(
            f"{FOLDER}/{CLASSES[which]}/{patient + 1:05d}_{image:03d}.png", TIMESTAMP
        )
        entry.external_attr = 0o644 << 16
        entry.create_system = 3  # Unix, wherever it is written
        archive.writestr(entry, _png(film))
        yield Progress(stage, done + 1, total)


def _png(film: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(film).save(content, "PNG", compress_level=1)  # noise hardly compresses
    return content.getvalue()
