"""A process of its own that reads a Paddle `.pdparams` file, because such a file may be hostile.

Run by `core.models.initial_weights` as a plain script, with the standard library alone. The file is
standard input. The answer on standard output is a line of JSON, either `{"refused", "what"}` or
`{"arrays"}` with each array's name, type, shape, order and length in bytes; then their bytes.
"""

import contextlib
import json
import mmap
import sys
from pathlib import Path
from types import ModuleType

MAX_SECONDS = 60  # of computing
SPARE_BYTES = 512 << 20  # Python itself and small things


def main() -> None:
    """Answer about the file on standard input."""
    # Stands for the package, whose own beginning would load numpy and half of `core`.
    package = ModuleType("core.models")
    package.__path__ = [str(Path(__file__).parent)]
    sys.modules[package.__name__] = package
    from core.models.pdparams import Description, RefusedError

    # Not closed: the arrays look into it to the end.
    content = memoryview(mmap.mmap(sys.stdin.fileno(), 0, access=mmap.ACCESS_READ))
    confine(len(content))
    try:
        found = Description(content).arrays()
    except RefusedError as error:
        answer({"refused": error.reason, "what": error.what})
    except MemoryError:
        answer({"refused": "memory", "what": ""})
    else:
        answer({"arrays": [(*array, len(data)) for *array, data in found]})
        for *_, data in found:
            sys.stdout.buffer.write(data)


def answer(values: dict[str, object]) -> None:
    """Write the line of JSON."""
    sys.stdout.buffer.write(json.dumps(values).encode("ascii") + b"\n")


def confine(n_bytes: int) -> None:
    """Take from this process what it does not need, where the system can.

    Args:
        n_bytes: Length of the file; the texts of protocol 2 lie in memory three times.
    """
    try:
        import resource
    except ImportError:  # Windows: the asker's clock and the length of the file are the limits
        return
    limits = {
        resource.RLIMIT_AS: 4 * n_bytes + SPARE_BYTES,
        resource.RLIMIT_CPU: MAX_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        with contextlib.suppress(OSError, ValueError):  # not every system knows each of them
            resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    main()
