"""Both clients, asked in one way."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from credit_express_client import AsyncClient, Client

Ask = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Return (url, method, arguments…, settings of the client, options) -> answer."""

    def sync(url: str, method: str, *args: Any, settings: Any = None, **options: Any) -> Any:
        with Client(url, **settings or {}) as client:
            return getattr(client, method)(*args, **options)

    def waiting(url: str, method: str, *args: Any, settings: Any = None, **options: Any) -> Any:
        async def call() -> Any:
            async with AsyncClient(url, **settings or {}) as client:
                return await getattr(client, method)(*args, **options)

        return asyncio.run(call())

    return sync if request.param == "sync" else waiting
