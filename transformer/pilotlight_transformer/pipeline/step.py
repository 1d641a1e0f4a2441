"""What a step is: one class with the hooks that it needs, and nothing for those it does not.

The pipeline is an onion. ``request`` runs in the order of the list until a step answers; all that
comes back passes those that let the request go on, the last one first. What a step answered itself
passes the steps before it, and of its own hooks only ``answering`` and ``end``. A hook that a step
does not override is never called.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict

from pilotlight.clock import Clock
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.target import Target
from pilotlight_transformer.stores.stores import Stores


class StepSettings(BaseModel):
    """What the YAML says under a step's name. A step's own settings derive from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Predictor(Protocol):
    """The model, for a step that has a question of its own (an embedding, a tokenization)."""

    async def ask(
        self,
        path: str,
        document: Mapping[str, Any],
        timeout_s: float,
        target: Target | None = None,
    ) -> dict[str, Any]:
        """POST a JSON object to the predictor, and return its answer.

        Raises:
            Unavailable: It does not answer, or with an error.
            DeadlineExceeded: Not within ``timeout_s``.
        """
        ...


class Surroundings:
    """What every step of one process may use.

    Attributes:
        model_name: Of the InferenceService (``--model_name``).
        predictor: For a step's own questions.
        stores: The embedded database and the shared one, opened when first asked for.
        clock: Where the time comes from.
        workers: How many processes of this server share its clients.
    """

    def __init__(
        self,
        model_name: str,
        predictor: Predictor,
        stores: Stores,
        clock: Clock,
        workers: int = 1,
    ) -> None:
        self.model_name = model_name
        self.predictor = predictor
        self.stores = stores
        self.clock = clock
        self.workers = workers


class Step:
    """A step of the pipeline. Override what you need; the defaults are never called.

    One object serves all calls at once: what belongs to one call goes into a
    :class:`~pilotlight_transformer.pipeline.call.Slot`. A hook refuses by raising a
    :class:`~pilotlight.errors.RequestError`; another exception is a 500 whose traceback is in the
    log. A hook may await, but never without a deadline of its own.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[StepSettings]] = StepSettings

    def __init__(self, settings: Any, surroundings: Surroundings) -> None:
        self.settings = settings
        self.surroundings = surroundings

    async def start(self) -> None:
        """Open what it needs; the pipeline is used only when every step has started.

        Raises:
            UsageError: The settings cannot be used; the message says what to change.
        """

    async def stop(self) -> None:
        """Close what :meth:`start` opened; calls that used it have ended."""

    async def request(self, call: Call) -> Answer | None:
        """See a request, change it, refuse it (raise), or answer it; ``None`` lets it go on."""
        return None

    def answering(self, call: Call, answer: Answer) -> None:
        """See and change status and headers, of refusals too, before the first byte goes out."""

    async def response(self, call: Call, answer: Answer) -> None:
        """See and change a whole answer with status 200; its body is bytes."""

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        """See an event of a stream; what is returned goes on in its place, at once.

        The last event, ``[DONE]``, does not come here: see :meth:`last_chunks`.
        """
        return (event,)

    async def last_chunks(self, call: Call) -> Iterable[Event]:
        """What goes out before ``[DONE]``, or at a stream's early end (``call.facts`` has why).

        What was held back goes out here. Whoever must not lose what the client will hold for
        acknowledged stores it here, before it returns. Called once for each stream that began,
        unless it was cancelled because its client has left.
        """
        return ()

    def watch(self, call: Call, data: bytes) -> None:
        """See bytes of a stream as they go by, ``[DONE]`` included; they cannot be changed.

        Cheap: a stream that is only watched is not cut into events. A piece may end anywhere.
        """

    def wanted(self, call: Call) -> bool:
        """Whether the answer is still wanted although this call's client has left."""
        return False

    async def end(self, call: Call, outcome: "Outcome") -> None:
        """The call is over, however it went. Called once for each step that saw the request."""

    def collectors(self) -> Iterable[Collector]:
        """Its metrics, named ``pilotlight_transformer_<noun>_<unit>``."""
        return ()


class Outcome:
    """How a call ended.

    Attributes:
        status: Of the answer; 499 if the client left before it began.
        cancelled: The client left before the end.
        error: The code of a refusal or failure (``RequestError.code``); ``None`` if all went well.
        cut: A stream began and did not come to its end.
    """

    __slots__ = ("cancelled", "cut", "error", "status")

    def __init__(self) -> None:
        self.status = 499
        self.cancelled = False
        self.error: str | None = None
        self.cut = False

    @property
    def ok(self) -> bool:
        """The answer is whole, and was no refusal."""
        return self.status < 400 and self.error is None and not self.cancelled and not self.cut


class Upstream(Protocol):
    """Where a call goes after the last step."""

    async def ask(self, call: Call) -> Answer:
        """Ask a predictor; returns when its headers are there.

        The body is bytes when it is known to be small and there, else an iterator that raises
        :class:`~pilotlight.errors.RequestError` when the predictor breaks off.

        Raises:
            RequestError: No predictor answered.
        """
        ...


class Client(Protocol):
    """Who asked, for an answer that is written piece by piece."""

    async def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Begin an answer of unknown length."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a piece; returns when there is room for another one."""
        ...

    async def finish(self) -> None:
        """The answer is complete."""
        ...

    async def abort(self) -> None:
        """The answer cannot be completed, and its length tells the client so."""
        ...

    async def whole(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Send an answer in one go; content-length is added."""
        ...
