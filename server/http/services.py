"""What all endpoints of a worker share, created once after the fork."""

import logging

import msgspec

from ..metrics.counters import Counters, Table
from ..record.counted import LogCounters
from ..record.recorder import Recorder, recorder
from ..scoring.catalog import Catalog
from ..settings import Settings
from .access import AccessLog
from .expiry import Expiry
from .idempotency import Store
from .keys import Keys, KeysError
from .shared import State, state

log = logging.getLogger(__name__)


class Services(msgspec.Struct, frozen=True):
    """What a request may need besides its model."""

    settings: Settings
    catalog: Catalog
    recorder: Recorder
    counters: Counters
    table: Table
    access: AccessLog
    keys: Keys
    store: Store | None
    expiry: Expiry | None
    log_counters: LogCounters
    state: State

    def tick(self) -> None:
        """Do what is due once a second."""
        self.log_counters.sync(self.recorder)
        try:
            self.keys.reload()
        except KeysError as error:
            log.error("kept the keys: %s", error)
        if self.expiry is not None:
            self.expiry.begin()

    def unready(self) -> str:
        """Return why new requests should go elsewhere, "" if they should come here."""
        if self.state.draining:
            return "draining"
        if self.settings.log_on_failure == "refuse" and not self.recorder.journal.has_room():
            return "prediction log unwritable"
        return ""

    def close(self) -> None:
        """Close the log."""
        self.recorder.close()
        self.log_counters.sync(self.recorder)


def open_services(settings: Settings, catalog: Catalog, table: Table, row: int) -> Services:
    """Open the log, the keys and the idempotency store of a worker; raises OSError and
    KeysError.
    """
    counters = table.row(row)
    store = expiry = None
    if seconds := settings.idempotency_seconds:
        file = settings.log_dir / "idempotency.sqlite3"
        store, expiry = Store(file, seconds), Expiry(file, seconds)
    return Services(
        settings, catalog, recorder(settings), counters, table, AccessLog(settings.access_log),
        Keys(settings.keys), store, expiry, LogCounters(counters),
        state(settings),
    )  # fmt: skip
