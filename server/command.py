"""The command: settings, bundles, engines, app, socket, in this order and no other."""

import os
import sys
from collections.abc import Sequence

from . import run, settings
from .bundle.manifest import BundleError
from .http import keys
from .offline.table_file import TableError
from .process.supervisor import WorkersError
from .record import privacy
from .scoring.catalog import CatalogError

REFUSED = 2
REFUSALS = (
    BundleError,
    CatalogError,
    TableError,
    keys.KeysError,
    privacy.SaltError,
    settings.SettingsError,
    WorkersError,
)


def main(arguments: Sequence[str]) -> int:
    """Run the command; a refused start is one line on stderr and exit code 2."""
    try:
        return obey(arguments)
    except REFUSALS as error:
        said = str(error).replace("\n", "\\n")  # a path may hold one
        print(f"server: {said}", file=sys.stderr)
    except OSError as error:
        print(f"server: {error.filename or 'socket'}: {error.strerror}", file=sys.stderr)
    return REFUSED


def obey(arguments: Sequence[str]) -> int:
    """Serve by the environment alone, as the image does; anything else needs a parser."""
    if arguments:
        from . import verbs

        return verbs.obey(arguments)
    run.run(settings.read(os.environ, {}))
    return 0
