"""The models that a process serves: all versions found, the default, and the shadow."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ..bundle.manifest import MANIFEST, BundleError
from ..bundle.reading import read_manifest
from ..settings import Settings
from .care import Care, Proof
from .model import AT_ONCE, Model, Options, load

Key = tuple[str, str]
log = logging.getLogger(__name__)
LISTED = 20  # most models or versions named in a sentence


class Listing(msgspec.Struct, frozen=True):
    """One model that is served."""

    name: str
    version: str
    sha256: str
    default: bool
    state: str = "READY"


class CatalogError(BundleError):
    """A choice of models that cannot be served; the message is one line and names it."""


class Catalog:
    """Loaded models by (name, version); never changed, only replaced."""

    def __init__(self, models: dict[Key, Model], settings: Settings) -> None:
        self.models = models
        self._settings = settings
        self.default = self._pick(settings.default)
        self.shadow = self._pick(settings.shadow) if settings.shadow else None

    def newest(self, name: str) -> Model | None:
        """Return the newest version of a model."""
        keys = [key for key in self.models if key[0] == name]
        return self.models[max(keys, key=lambda key: natural(key[1]))] if keys else None

    def versions(self, name: str) -> list[str]:
        """Return the versions of a model, oldest first."""
        return sorted((version for each, version in self.models if each == name), key=natural)

    def names(self) -> list[str]:
        """Return NAME/VERSION of everything served."""
        return [f"{name}/{version}" for name, version in self.models]

    def absent(self, name: str, version: str | None = None) -> str:
        """Say that a model, or this version, is not served, and which ones are."""
        if version is not None and (versions := self.versions(name)):
            return f"no version {version} of {name}; there is {several(versions[::-1])}"
        return f"no model {name}; there is {several(self.names())}"

    def listing(self) -> tuple[Listing, ...]:
        """Return the served models, for people and for the repository index."""
        return tuple(
            Listing(name, version, model.bundle.model_sha256, model is self.default)
            for (name, version), model in self.models.items()
        )

    def proof(self) -> Proof:
        """Return hashes that identify these bundles byte for byte."""
        return frozenset(model.bundle.manifest_sha256 for model in self.models.values())

    def with_model(self, name: str, care: Care = AT_ONCE) -> "Catalog":
        """Return a catalog with all versions of `name` loaded again from disk; see load_all.

        Raises CatalogError if there are none, and bundle.BundleError.
        """
        found = read(self._settings, care, name)
        if not found:
            raise CatalogError(f"{name}: no such model in {self._settings.model}")
        return Catalog({**self._others(name), **found}, self._settings)

    def without(self, name: str) -> "Catalog":
        """Return a catalog without any version of `name`; raises CatalogError."""
        if self.newest(name) is None:
            raise CatalogError(f"{name}: no such model is served")
        return Catalog(self._others(name), self._settings)

    def _others(self, name: str) -> dict[Key, Model]:
        return {key: model for key, model in self.models.items() if key[0] != name}

    def _pick(self, wanted: str | None) -> Model:
        names = {name for name, _ in self.models}
        name, _, version = (wanted or "").partition("/")
        if wanted is None and len(names) != 1:
            found = ", ".join(self.names()) or "none"
            wanted = "say which model answers /score: --default NAME[/VERSION]"
            raise CatalogError(f"{wanted} (or CREDIT_DEFAULT), of {found}")
        picked = self.models.get((name, version)) if version else self.newest(name or names.pop())
        if picked is None:
            raise CatalogError(f"{wanted}: not among {', '.join(self.names()) or 'no models'}")
        return picked


def several(names: Sequence[str]) -> str:
    """Return names in one line, and the number of the remaining ones."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def natural(version: str) -> list[tuple[int, str]]:
    """Return a sort key that puts 10 after 9."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", version)]


def load_all(settings: Settings, care: Care = AT_ONCE) -> Catalog:
    """Load every bundle in the settings' folder; raises CatalogError and bundle.BundleError."""
    catalog = Catalog(read(settings, care), settings)
    if care.begin is None:  # otherwise it is only tried and will be loaded again
        for folder in left_out(settings.model):
            log.warning("%s: no %s in it: not served", folder, MANIFEST)
    return catalog


def read(settings: Settings, care: Care, name: str | None = None) -> dict[Key, Model]:
    """Return the loaded models, of one name or of all, by name and by version."""
    models: dict[Key, Model] = {}
    options = Options(settings.unseen == "missing", settings.engine)
    for path in bundles(settings.model):
        if care.begin is not None:
            care.begin(path)
        if name is not None and read_manifest(path / MANIFEST).name != name:
            continue
        model = load(path, options, care)
        key = (model.manifest.name, model.manifest.version)
        if key in models:
            raise CatalogError(f"{path}: {'/'.join(key)} is also in {models[key].bundle.path}")
        models[key] = model
    return models


def bundles(path: Path) -> Iterator[Path]:
    """Yield `path` if it is a bundle, otherwise the bundles one and two folders below.

    Raises CatalogError if there are none.
    """
    below = [folder for each in ("*", "*/*") for folder in path.glob(each) if has_manifest(folder)]
    shown = [each for each in below if not _is_hidden(each.relative_to(path))]
    if has_manifest(path):
        yield path
    elif shown:
        yield from sorted(shown, key=lambda found: (found.parent.name, natural(found.name)))
    else:
        raise CatalogError(without_bundle(path))


def without_bundle(path: Path) -> str:
    """Return a line about a path that holds no bundle, which names what is there."""
    names = [] if path.is_file() else sorted(os.listdir(path))
    got = several(names) if names else "a file" if path.is_file() else "an empty folder"
    wanted = "wanted a bundle, as python -m convert writes it, or bundles as NAME/VERSION"
    return f"{path}: {wanted}, got {got}"


def left_out(path: Path) -> list[Path]:
    """Return folders, and broken links, where a bundle was expected."""
    if has_manifest(path):
        return []
    names = [each for each in sorted(path.glob("*")) if not has_manifest(each)]
    versions = {name: sorted(name.glob("*")) for name in names if name.is_dir()}
    found = [each for name in versions for each in versions[name] if not has_manifest(each)]
    found += [name for name in names if not any(map(Path.is_dir, versions.get(name, ())))]
    return [each for each in sorted(found) if _is_folder_or_lost(each.relative_to(path), each)]


def _is_folder_or_lost(below: Path, entry: Path) -> bool:
    return not (_is_hidden(below) or "__pycache__" in below.parts) and not entry.is_file()


def _is_hidden(below: Path) -> bool:
    """Whether a folder's name begins with a dot: that bundle is still being written."""
    return any(part.startswith(".") for part in below.parts)


def has_manifest(folder: Path) -> bool:
    """Whether there is a manifest, even an unreadable one."""
    return os.path.lexists(folder / MANIFEST)
