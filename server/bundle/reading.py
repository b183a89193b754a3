"""Read a bundle: every file is compared with its SHA-256, and nothing is executed or unpickled.

Only regular files inside the bundle's folder are read, each up to a maximum size.
"""

import hashlib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from . import reasons, regular
from .contradictions import COVERS, NEEDED, STEPS, contradictions
from .manifest import CHECKSUMS, MANIFEST, SCHEMA_VERSION, Bundle, BundleError, Manifest

# The largest protocol buffers message; far more than any manifest needs.
MOST_BYTES = (1 << 31) - 1
MOST_TEXT_BYTES = 1 << 26
MOST_SAID = 1_000  # characters of what is wrong: a value in it may be as long as the file
Document = TypeVar("Document")


class Opened(msgspec.Struct, frozen=True):
    """A bundle, and the verified content of the files that scoring and contributions need.

    `covers`, `steps` and `codes` are None if the bundle has none.
    """

    bundle: Bundle
    model: bytes
    golden: bytes
    covers: bytes | None = None
    steps: bytes | None = None
    codes: reasons.ReasonCodes | None = None


def read(path: Path, proof: Container[str] | None = None) -> Opened:
    """Compare every file in `path` with its SHA-256, then read the manifest.

    With a `proof`, the manifest's hash must be in it. Raises BundleError naming the file that is
    missing, unreadable or changed.
    """
    file = path / MANIFEST
    content = read_bytes(file, MOST_TEXT_BYTES)
    digest = hashlib.sha256(content).hexdigest()
    if proof is not None and digest not in proof:
        raise BundleError(f"{file}: changed since it was tried: load again")
    manifest = manifest_of(content, file)
    check_sums(path, {**manifest.files, MANIFEST: digest})
    wanted = [name for name in (*NEEDED, COVERS, STEPS, reasons.NAME) if name in manifest.files]
    kept = {name: read_whole(path / name, manifest.files[name]) for name in wanted}
    for name in sorted(manifest.files.keys() - kept.keys()):
        check_hash(path / name, manifest.files[name], sha256_of(path / name))
    codes = kept.get(reasons.NAME)
    return Opened(
        Bundle(path, manifest, digest), kept["model.onnx"], kept["golden.json"],
        kept.get(COVERS), kept.get(STEPS),
        None if codes is None else reasons.read(codes, manifest, path / reasons.NAME),
    )  # fmt: skip


def kept_codes(bundle: Bundle, version: str) -> reasons.ReasonCodes | None:
    """Return reason codes that were replaced since, None if the bundle holds no such version.

    Raises BundleError.
    """
    name = reasons.kept_name(version)
    if name not in bundle.manifest.files:
        return None
    content = read_whole(bundle.path / name, bundle.manifest.files[name])
    return reasons.read(content, bundle.manifest, bundle.path / name)


def read_manifest(file: Path) -> Manifest:
    """Decode and check `manifest.json`; raises BundleError."""
    return manifest_of(read_bytes(file, MOST_TEXT_BYTES), file)


def manifest_of(content: bytes, file: Path) -> Manifest:
    """Decode and check the content of `file`; raises BundleError."""
    manifest = decoded(content, Manifest, file)
    if manifest.schema_version != SCHEMA_VERSION:
        found = manifest.schema_version
        raise BundleError(f"{file}: wanted schema_version {SCHEMA_VERSION}, got {found}")
    for contradiction in contradictions(manifest):
        raise BundleError(f"{file}: {contradiction[:MOST_SAID]}")
    return manifest


def decoded(content: bytes, of: type[Document], file: Path) -> Document:
    """Decode JSON from the content of `file`; raises BundleError."""
    try:
        return msgspec.json.decode(content, type=of)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{file}: {error}") from error


def check_sums(path: Path, wanted: Mapping[str, str]) -> None:
    """Compare SHA256SUMS with the names and hashes in the manifest; raises BundleError."""
    file = path / CHECKSUMS
    sums = read_sums(file)
    for name in sorted(wanted.keys() | sums.keys()):
        if sums.get(name) != wanted.get(name):
            found, said = sums.get(name, "no such line"), wanted.get(name, "no such file")
            raise BundleError(f"{file}: {name}: got {found}, and by {MANIFEST} {said}")


def read_sums(file: Path) -> dict[str, str]:
    """Return file name -> sha256, from the format of sha256sum; raises BundleError."""
    lines = read_bytes(file, MOST_TEXT_BYTES).decode(errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def read_whole(file: Path, digest: str) -> bytes:
    """Return the content of `file` if its SHA-256 is `digest`; raises BundleError."""
    content = read_bytes(file, MOST_TEXT_BYTES if file.suffix == ".json" else MOST_BYTES)
    check_hash(file, digest, hashlib.sha256(content).hexdigest())
    return content


def check_hash(file: Path, wanted: str, found: str) -> None:
    """Raise BundleError if the hashes differ."""
    if found != wanted:
        raise BundleError(f"{file}: changed since conversion: wanted sha256 {wanted}, got {found}")


def sha256_of(file: Path) -> str:
    """Return the hash of a file whose content is not needed; raises BundleError."""
    try:
        return regular.sha256(file, MOST_BYTES)
    except regular.UnfitFileError as error:
        raise BundleError(str(error)) from error


def read_bytes(file: Path, most: int) -> bytes:
    """Return the content of `file`, at most `most` bytes; raises BundleError."""
    try:
        return regular.read(file, most)
    except regular.UnfitFileError as error:
        raise BundleError(str(error)) from error
