"""A folder with a network in Paddle's inference format, which appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core import atomic_file
from core.errors import Message
from core.models.export.description import is_description, to_text
from core.models.export.errors import ExportError
from core.models.export.paddle_parameters import parameter_parts

PROGRAM_FILE: Final = "inference.json"
PARAMETER_FILE: Final = "inference.pdiparams"
DESCRIPTION_FILE: Final = "pneumoscope.json"
README_FILE: Final = "README.txt"
FILES: Final = (PROGRAM_FILE, PARAMETER_FILE, DESCRIPTION_FILE, README_FILE)

_README = """\
A network in Paddle's inference format. Research and teaching only, never diagnosis.
Paddle 推理格式的网络。仅供科研与教学，不可用于诊断。

{program}, {parameters}: the network / 网络
{description}: classes, preprocessing, meaning of the outputs / 类别、预处理与输出的含义

    import json
    import numpy as np
    from paddle.inference import Config, create_predictor
    from PIL import Image

    about = json.load(open("{description}", encoding="utf-8"))
    made = about["preprocessing"]
    film = Image.open("film.png").convert("L")  # 8 bits; see "reader_rules" for other films
    film = film.resize(tuple(made["size"]), Image.Resampling.LANCZOS, reducing_gap=3.0)
    x = (np.asarray(film, np.float32) / 255 - made["mean"]) / made["std"]
    x = np.repeat(x[None, None], 3, axis=1).astype("float32")  # (1, 3, S, S)

    predictor = create_predictor(Config("{program}", "{parameters}"))
    predictor.get_input_handle("images").copy_from_cpu(x)
    predictor.run()
    logits, feature_map = (
        predictor.get_output_handle(name).copy_to_cpu() for name in predictor.get_output_names()
    )
    z = logits / (about["probabilities"]["temperature"] or 1)
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    print(dict(zip(about["classes"], p[0].tolist())))
"""


def check_folder(folder: Path) -> None:
    """Refuse a place where an export would mix with or replace what is not one.

    Raises:
        ExportError: It is a file, or a folder with other things in it.
        OSError: It cannot be looked into.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_dir() and not folder.is_symlink():
        names = {entry.name for entry in folder.iterdir()}
        if not names or (names == set(FILES) and _is_ours(folder)):
            return
    raise ExportError(
        Message(
            "{folder} exists already and is no export of PneumoScope's. Choose a new folder.",
            folder=str(folder),
        )
    )


def write_folder(
    folder: Path,
    program: bytes,
    weights: Mapping[str, NDArray[np.float32]],
    description: dict[str, Any],
    check: Callable[[Path, Path], None],
) -> tuple[Path, ...]:
    """Write the folder, replacing an older export there; the files.

    Args:
        folder: As `check_folder` lets pass.
        program: From `core.models.export.paddle_program.trace`.
        weights: From `core.models.export.folding.fold`.
        description: From `core.models.export.description.describe`.
        check: Called with program and parameters before anything is replaced; may raise.

    Raises:
        OSError: The disk refuses; an older export is still there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        new, old = part / "new", part / "old"
        new.mkdir()
        with (new / PARAMETER_FILE).open("wb") as file:
            file.writelines(parameter_parts(weights))
            file.flush()
            os.fsync(file.fileno())
        atomic_file.write_bytes(new / PROGRAM_FILE, program)
        check(new / PROGRAM_FILE, new / PARAMETER_FILE)
        names = {
            "program": PROGRAM_FILE,
            "parameters": PARAMETER_FILE,
            "description": DESCRIPTION_FILE,
        }
        atomic_file.write_text(new / README_FILE, _README.format(**names))
        atomic_file.write_text(new / DESCRIPTION_FILE, to_text(description))
        _replace(folder, new, old)
        atomic_file.sync_folder(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return tuple(folder / name for name in FILES)


def _replace(folder: Path, new: Path, old: Path) -> None:
    """Put `new` in the place of `folder`, which is put back where that fails."""
    check_folder(folder)  # somebody may have been there meanwhile
    is_there = folder.exists()
    if is_there:
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except OSError:
        if is_there:
            os.replace(old, folder)
        raise


def _is_ours(folder: Path) -> bool:
    return is_description((folder / DESCRIPTION_FILE).read_bytes())
