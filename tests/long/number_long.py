"""Numbers as C reads and writes them, against strtod.

`python -m tests.long.number_long COUNT [SEED]`: COUNT texts of each of six kinds and
numbers of each of five, in C: tests/long/number_long.c.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from server.engine.native import build
from server.engine.native.powers import powers_of_five

HERE = Path(__file__).parent


def compared(count: int, seed: int = 0, flags: tuple[str, ...] = ("-O2",)) -> str:
    """Return a line per kind; raises CalledProcessError where a number differs."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "number_long"
        native = build.HERE
        sources = [HERE / "number_long.c", native / "number.c", native / "shortest.c"]
        options = ["-std=c11", *flags, f"-I{native}", "-o", str(program)]
        subprocess.run(["cc", *options, *map(str, sources), "-lm"], check=True)
        table = powers_of_five().tobytes()
        done = subprocess.run(
            [program, str(count), str(seed)], input=table, capture_output=True, check=False
        )
    said = done.stdout.decode()
    if done.returncode:
        raise SystemExit(said)
    return said


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    print(compared(given[0], given[1] if len(given) > 1 else 0), end="")
