"""Loading libpaddle.so ahead of the import."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pathlib import Path
from core.runtime.paddle import preload_paddle
maps = Path("/proc/self/maps")
print(preload_paddle(), "libpaddle.so" in maps.read_text(), "paddle" in sys.modules)
import paddle
print(float(paddle.ones([2]).sum()))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="does nothing elsewhere")
def test_the_library_is_mapped_before_the_import_and_works_after_it():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True", "False", "2.0"]
