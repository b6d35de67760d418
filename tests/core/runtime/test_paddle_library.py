import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPT = """
import os
from core.runtime import threads
from core.runtime.paddle import F, nn, paddle
variables = threads.processor_variables(
    {}, *threads.read_cpu_info(), threads.physical_core_count()
)
assert variables.items() <= dict(os.environ).items(), variables
print(paddle.to_tensor([1.0]).numpy(), nn.Linear.__name__, F.relu.__name__)
"""


def test_whoever_imports_paddle_from_here_gets_it_tuned_and_silent() -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OMP_NUM_THREADS", "MKL_DEBUG_CPU_TYPE")
    }
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stderr == ""
    assert shown.stdout == "[1.] Linear relu\n"
