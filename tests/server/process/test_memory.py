"""What loading needed is given back, and what ran before runs again, to the same bits."""

import subprocess
import sys

import pytest

CODE = """
import re
from pathlib import Path
import numpy as np
from server.process import memory

def resident():
    sizes = 0
    for mapping in re.split(r"\\n(?=[0-9a-f]+-)", Path("/proc/self/smaps").read_text()):
        if " r-xp " in mapping and "multiarray" in mapping:
            sizes += int(re.search(r"Rss: +(\\d+)", mapping)[1])
    return sizes

values = np.random.default_rng(1).normal(size=1000)
before, sorted_before = resident(), np.sort(values).tobytes()
memory.trim_heap()
memory.forget_code()
after = resident()
assert np.sort(values).tobytes() == sorted_before
print(before, after, resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_code_is_forgotten_and_comes_back_when_it_runs() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    before, after, again = map(int, done.stdout.split())
    assert before > after
    assert again > after
