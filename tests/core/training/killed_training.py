"""Train the same run twice: once undisturbed, once killed again and again; a script of its own.

Arguments: folder, films, config as JSON, number of kills. Leaves the runs `whole` and `killed`.
Paddle is loaded once, then each sitting is a fork that is killed with SIGKILL.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from core.config import TrainingConfig
from core.data.dataset import LoadedDataset, load_dataset
from core.events import Progress
from core.training import loop
from core.training.checkpoint import NEWEST_FILE
from core.training.run_description import RUN_FILE
from core.training.session import resume_training, run_training
from core.workspace import Workspace
from tests.core.training.narrow import make_narrow

make_narrow(setattr)
loop.SAVE_EVERY_S = 0.0  # a checkpoint after each batch, so that most kills hit one


def sitting(
    events: Callable[[], Iterator[object]],
    kill_after: int | None = None,
    wait_s: float = 0.0,
    wanted: Path | None = None,
) -> bool:
    """Train in a fork; return True if it ended well.

    It is killed `wait_s` after that many events, and once there is the `wanted` file.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        for event in events():
            if not isinstance(event, Progress):
                os.write(writer, b".")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        n_seen = 0
        while pipe.read(1):
            n_seen += 1
            is_wanted_there = wanted is None or wanted.exists()
            if kill_after is not None and n_seen >= kill_after and is_wanted_there:
                time.sleep(wait_s)  # a moment between two events is what is tested
                os.kill(child, signal.SIGKILL)
                break
    return os.waitpid(child, 0)[1] == 0


def main(folder: Path, films: Path, config: TrainingConfig, n_kills: int) -> None:
    """Both runs, one after the other."""
    workspace = Workspace(folder / "home")
    *_, dataset = load_dataset([films], workspace, config.preprocessing.image_size)
    assert isinstance(dataset, LoadedDataset)

    def begin(name: str) -> Iterator[object]:
        return run_training(config, dataset, folder / name, "cpu", workspace)

    def resume() -> Iterator[object]:
        return resume_training(folder / "killed", workspace, "cpu")

    assert sitting(lambda: begin("whole"))
    chance = random.Random(1)
    for n_left in reversed(range(n_kills)):
        # The last sitting must have something to go on from.
        wanted = None if n_left else folder / "killed" / NEWEST_FILE
        events = resume if (folder / "killed" / RUN_FILE).exists() else lambda: begin("killed")
        if sitting(events, chance.randrange(1, 9), chance.uniform(0, 0.03), wanted):
            raise SystemExit("the run came to its end before it was killed")
    assert sitting(resume)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        TrainingConfig.from_json(json.loads(sys.argv[3])),
        int(sys.argv[4]),
    )
