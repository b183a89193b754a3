#!/usr/bin/env bash
# LightGBM's wheel for Linux needs the system's libgomp.so.1; scikit-learn's brings its own.
#
# A manylinux wheel is thought to hold all it needs beyond libc. scikit-learn's does: an OpenMP runtime lies in
# scikit_learn.libs/. LightGBM's library names libgomp.so.1 and the wheel has none. On a slim system (debian:*-slim,
# python:*-slim, distroless) it installs without a word, and `import lightgbm` ends in "libgomp.so.1: cannot open
# shared object file". scikit-learn installed beside it does not help: its copy goes by another name.
#
# Versions: lightgbm 4.7.0, scikit-learn 1.9.1, Linux x86_64.
# Source: the wheels themselves, their lists of files and what their libraries ask the loader for.
# Who meets it: who puts LightGBM into a slim image or onto the workers of a batch engine.
# Output seen:
#   lightgbm asks for libgomp.so.1; its wheel holds 0 of libgomp
#   scikit-learn asks for libgomp-e985bcbb.so.1.0.0; its wheel holds 1 of libgomp
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/asked.py" <<'PYTHON'
import re
import subprocess
from importlib.metadata import files

for name, library in {"lightgbm": "lib_lightgbm.so", "scikit-learn": "_openmp_helpers"}.items():
    held = files(name)
    path = next(each.locate() for each in held if library in each.name and ".so" in each.name)
    needed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    (asked,) = set(re.findall(r"^\s*(libgomp\S*) =>", needed, re.M))
    count = sum(each.name.startswith("libgomp") for each in held)
    print(f"{name} asks for {asked}; its wheel holds {count} of libgomp")
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet lightgbm==4.7.0 scikit-learn==1.9.1
"$place/venv/bin/python" "$place/asked.py" | tee "$place/said"
grep -qx "lightgbm asks for libgomp.so.1; its wheel holds 0 of libgomp" "$place/said"
grep -qx "scikit-learn asks for libgomp-[0-9a-f]*.so[.0-9]*; its wheel holds 1 of libgomp" "$place/said"
