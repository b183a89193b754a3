"""The two clients. They differ in nothing but `await`."""

import asyncio
import time
from collections.abc import Iterable
from functools import cached_property
from typing import Self, Unpack

import httpx

from .answers import Problem, Served
from .applicants import Applicant, batch, single
from .calls import A, Calls, Options, content_of, served
from .retries import Ended

# httpx looks at each connection again for each request that waits: of a thousand requests at once,
# over its hundred connections, all may time out before the first is sent.
AT_ONCE = 16


class Client(Calls[httpx.Client, A]):
    """Asks a server for scores. It keeps connections open, and threads may share it.

    url: the server's, such as "http://127.0.0.1:8000".
    model, version: which to ask. By default the server's default model; without a version the
    newest.
    answer: Answer for binary models, Probabilities for multiclass ones, Value for all others.
    timeout: seconds for each step of an attempt: to connect, to send, to receive.
    http: a client of httpx, for TLS, proxies and the like; it is closed together with this one.

    Calls raise CreditExpressError. InvalidError tells every fault of the applicants.
    """

    _make = httpx.Client

    def score(self, applicant: Applicant, **options: Unpack[Options]) -> A:
        """Score one applicant: every feature by its name, None where it is missing."""
        return self._one(self._send(self._post(single(applicant), options)))

    def score_batch(self, applicants: Iterable[Applicant], **options: Unpack[Options]) -> list[A]:
        """Score several in one request, in order; one faulty applicant refuses them all."""
        several = batch(applicants)
        return self._all(self._send(self._post(several, options)), len(several))

    def score_each(
        self, applicants: Iterable[Applicant], **options: Unpack[Options]
    ) -> list[A | Problem]:
        """Score several in one request, in order, with a Problem in the place of a faulty one."""
        several = batch(applicants)
        request = self._post(several, options, partial="true")
        return self._each(self._send(request), len(several))

    def models(self) -> list[Served]:
        """Return what the server serves."""
        return served(self._send(self._get("/models")))

    def _send(self, request: httpx.Request) -> bytes:
        attempts = self._attempts(request)
        while True:
            ended: Ended
            try:
                ended = self._http.send(request)
            except httpx.RequestError as error:
                ended = error
            if (seconds := attempts.wait(ended)) is None:
                return content_of(ended)
            time.sleep(seconds)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(Calls[httpx.AsyncClient, A]):
    """As Client, for asyncio. Of the requests made at once, such as by asyncio.gather, sixteen are
    on their way; the others wait, without a limit of time.
    """

    _make = httpx.AsyncClient

    @cached_property
    def _places(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(AT_ONCE)

    async def score(self, applicant: Applicant, **options: Unpack[Options]) -> A:
        """See Client."""
        return self._one(await self._send(self._post(single(applicant), options)))

    async def score_batch(
        self, applicants: Iterable[Applicant], **options: Unpack[Options]
    ) -> list[A]:
        """See Client."""
        several = batch(applicants)
        return self._all(await self._send(self._post(several, options)), len(several))

    async def score_each(
        self, applicants: Iterable[Applicant], **options: Unpack[Options]
    ) -> list[A | Problem]:
        """See Client."""
        several = batch(applicants)
        request = self._post(several, options, partial="true")
        return self._each(await self._send(request), len(several))

    async def models(self) -> list[Served]:
        """See Client."""
        return served(await self._send(self._get("/models")))

    async def _send(self, request: httpx.Request) -> bytes:
        async with self._places:
            attempts = self._attempts(request)
            while True:
                ended: Ended
                try:
                    ended = await self._http.send(request)
                except httpx.RequestError as error:
                    ended = error
                if (seconds := attempts.wait(ended)) is None:
                    return content_of(ended)
                await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
