"""Loading libpaddle.so ahead of the import."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pathlib import Path
seen = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "paddle" and not seen and "core.runtime.paddle" in sys.modules:
            seen.append(name)  # the look of preload_paddle
        elif name == "paddle" and len(seen) == 1:
            seen.append("libpaddle.so" in Path("/proc/self/maps").read_text())
sys.meta_path.insert(0, Finder())
from core.runtime.paddle import paddle
print(*seen)
print(float(paddle.ones([2]).sum()))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="does nothing elsewhere")
def test_the_library_is_mapped_before_the_import_and_works_after_it():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["paddle", "True", "2.0"]
