"""A network's weights as Paddle's own `.pdparams`, for those who read such files in a notebook.

Such a file is a pickle, which this program writes here and never reads; what was written is
compared through the reader in `core.models.initial_weights`, which runs nothing.
"""

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from core.models.initial_weights.state_dict_process import read_state_dict
from core.runtime.paddle_library import paddle


def state_dict_file(network: Any) -> bytes:
    """The content of the file, under the names that `paddle.vision.models` uses too.

    Raises:
        ModelFileError: What was written does not read as it must.
        OSError: There is no room for temporary files.
        RuntimeError: What was written is not what the network holds.
    """
    buffer = io.BytesIO()
    state = network.state_dict()
    paddle.save(state, buffer, protocol=4)
    content = buffer.getvalue()
    with tempfile.TemporaryDirectory(prefix="pneumoscope-") as folder:
        path = Path(folder) / "weights.pdparams"
        path.write_bytes(content)
        read = read_state_dict(path)
    for name, tensor in state.items():
        array = read.get(name)
        if array is None or not np.array_equal(array, tensor.numpy()):
            raise RuntimeError(f"{name} was not written as it is")
    return content
