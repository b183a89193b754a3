"""hatchling's hook: the native engine is compiled into the wheel, where there is a C compiler.

One file serves every Python from 3.11 on (abi3); without it the wheel is for any machine, and
onnxruntime scores.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNEL = Path("server", "engine", "native", "_kernel.abi3.so")


class NativeEngine(BuildHookInterface[Any]):
    """Builds the native engine, and names the platform in the wheel's name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; CREDIT_WHEEL=native fails where that cannot be, =pure leaves it out."""
        wanted = os.environ.get("CREDIT_WHEEL", "auto")
        if wanted not in {"auto", "native", "pure"}:
            raise SystemExit(f"CREDIT_WHEEL={wanted}: wanted auto, native or pure")
        if wanted != "pure":
            must = ["--must"] if wanted == "native" else []
            command = [sys.executable, "-m", "server.engine.native.build", *must]
            subprocess.run(command, cwd=self.root, check=True)  # noqa: S603 - our own build
        if wanted != "pure" and (Path(self.root) / KERNEL).exists():
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data |= {"tag": f"cp311-abi3-{platform}", "pure_python": False}
            build_data["force_include"][str(KERNEL)] = f"credit_express/{KERNEL}"
