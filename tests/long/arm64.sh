#!/usr/bin/env bash
# The files of tests/long/runtime_cases.py on arm64, under user-mode emulation: onnxruntime's published
# wheel, and the native engine cross-compiled. Then a bundle is started there, as the image starts it.
#
#   tests/long/arm64.sh FOLDER FILE…    (root, for apt-get; FOLDER keeps what was fetched)
#
# Python and the C library come from Debian's arm64 packages, the emulator from a newer Debian than
# some hosts run: before 8.2 it shows the host's /proc/cpuinfo, and onnxruntime ends with a fault.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "$1"); shift
python=${PYTHON:-.venv/bin/python}
root=$folder/root packages=$folder/packages app=$folder/app
mkdir -p "$folder"

command -v mmdebstrap aarch64-linux-gnu-gcc >/dev/null ||
  apt-get install --yes --no-install-recommends \
    mmdebstrap debian-archive-keyring gcc-aarch64-linux-gnu libc6-dev-arm64-cross

unpacked() { # unpacked FOLDER ARCHITECTURE SUITE PACKAGES
  [ -d "$1" ] || mmdebstrap --quiet --variant=extract --architectures="$2" --include="$4" \
    "${apt[@]}" "$3" "$1.part"
  [ -d "$1" ] || mv "$1.part" "$1"
}
apt=() # a proxy, where the machine's own apt uses one
for file in /etc/apt/apt.conf.d/99*; do [ ! -e "$file" ] || apt+=(--aptopt="$file"); done
unpacked "$root" arm64 bookworm python3.11-minimal,libpython3.11-stdlib,libstdc++6,libgomp1
unpacked "$folder/emulator" "$(dpkg --print-architecture)" trixie qemu-user

if ! cmp -s requirements/server.txt "$packages/installed.txt"; then
  rm -rf "$packages"
  tags=()
  for tag in _2_28 _2_27 _2_17 2014 1; do tags+=(--platform "manylinux${tag}_aarch64"); done
  "$python" -m pip install --quiet --disable-pip-version-check --target "$packages" --no-deps \
    --require-hashes --only-binary :all: --python-version 3.11 --implementation cp \
    --abi cp311 --abi abi3 --abi none "${tags[@]}" --requirement requirements/server.txt
  cp requirements/server.txt "$packages/installed.txt"
fi

rm -rf "$app"
mkdir -p "$app/tests/long"
cp -r server "$app/"
rm -f "$app"/server/engine/native/*.so
cp tests/long/runtime_rows.py "$app/tests/long/"
(python=$(realpath -s "$python"); cd "$app"; CC=aarch64-linux-gnu-gcc "$python" -m server.engine.native.build --must)

emulated() {
  env --unset=OPENBLAS_CORETYPE PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH="$packages:$app" \
    ORT_DISABLE_TELEMETRY=1 OPENBLAS_NUM_THREADS=1 \
    "$folder/emulator/usr/bin/qemu-aarch64" -L "$root" "$root/usr/bin/python3.11" "$@"
}
"$python" -W ignore -m tests.long.runtime_cases "$folder/cases" "$@"
"$python" -m convert "$folder/cases/sets.txt" --name sets --version 1 --out "$folder/models" --force
emulated -m tests.long.runtime_rows "$folder/cases"
for bundle in models/credit-express/1 "$folder/models/sets/1"; do
  emulated -m server --check --model "$bundle"
done
