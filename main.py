#!/usr/bin/env python3
"""Start PneumoScope: set the machine up where needed, then open the window or run a command."""

# Plain enough for every Python that may be the first to read it.
import os
import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "PneumoScope needs Python 3.11, 3.12 or 3.13, and this is Python "
        + ".".join(str(part) for part in sys.version_info[:3])
        + ". Install one of them from https://www.python.org and start main.py with it."
    )

if __name__ == "__main__":
    # A request to end is answered from here on; see app/interrupts.py. Not by `signal`, which
    # takes longer to load than it takes to press Ctrl+C.
    import _signal

    for _name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        _number = getattr(_signal, _name, None)
        if _number is not None and _signal.getsignal(_number) != _signal.SIG_IGN:
            _signal.signal(_number, lambda *_: os._exit(130))
    # PYTHONSAFEPATH and -I leave the script's folder out.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from app import interrupts

    interrupts.end_at_once()
    from app.bootstrap import main

    code = main(sys.argv[1:])
    interrupts.ignore()
    sys.exit(code)
