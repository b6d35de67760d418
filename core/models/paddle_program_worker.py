"""A process of its own that traces a network, because that disturbs other threads.

Run by `paddle_program` as a plain script. Standard input is a line of JSON: the network's
`n_blocks`, `is_bottleneck` and `shapes`, and the `folder` for what it writes.
"""

import json
import sys
from pathlib import Path


def main() -> None:
    """Do what standard input says."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from core.models.paddle_inference import FoldedNetwork, save_traced
    from core.models.weights import Plan

    wanted = json.load(sys.stdin)
    plan = Plan(tuple(wanted["n_blocks"]), wanted["is_bottleneck"])
    save_traced(FoldedNetwork(plan, wanted["shapes"]), Path(wanted["folder"]))


if __name__ == "__main__":
    main()
