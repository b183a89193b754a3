"""The door of gRPC beside HTTP's: what makes its connections in a worker."""

from collections.abc import Callable, Mapping
from functools import partial

from uvicorn.server import ServerState

from ..http.group_commit import GroupCommit
from ..http.ledger import Ledger
from ..http.limits import limits
from ..http.services import Services
from ..oip.infer import Infer
from ..scoring.catalog import Key
from .connection import Connection
from .service import Service


def protocol(
    services: Services, infers: Mapping[Key, Infer], ledger: Ledger
) -> Callable[[ServerState], Connection]:
    """Return what makes a connection of uvicorn's state, which knows all of a worker's."""
    group_commit = GroupCommit(services.state.in_flight, ledger)
    service = Service(services, infers, group_commit)
    return partial(Connection, service, limits(services.settings))
