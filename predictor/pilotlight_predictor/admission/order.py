"""Which waiting request starts next."""

from pilotlight_predictor.admission.backlog import Backlog
from pilotlight_predictor.admission.capacity import Capacity, Limits
from pilotlight_predictor.admission.prefill import Prefill
from pilotlight_predictor.admission.request import Request
from pilotlight_predictor.admission.share import BatchShare
from pilotlight_predictor.admission.work import Priority


class Order:
    """Interactive before batch, batch at its least share, small ones past one that is stuck.

    A request whose turn it is but which does not fit may be passed by smaller ones that do, up
    to ``max_bypass`` times its own tokens. From then on it is *held*: it stays first, and once
    that much has passed it, the room that becomes free is kept for it.
    """

    def __init__(
        self,
        limits: Limits,
        backlogs: dict[Priority, Backlog],
        capacity: Capacity,
        prefill: Prefill,
    ) -> None:
        self._limits = limits
        self._backlogs = backlogs
        self._capacity = capacity
        self._prefill = prefill
        self._share = BatchShare(limits.batch_share)
        self._held: Request | None = None

    @property
    def holds(self) -> bool:
        """Whether a request waits for room to become free."""
        return self._held is not None

    def next(self) -> Request | None:
        """The request that can start now; None when none can."""
        turn = self._turn()
        if turn is None or self.fits(turn):
            return turn
        if not self._prefill.fits(turn.work.prompt_tokens):
            return None  # a step or two, too short to let others pass
        passing = self._passing(turn)
        if passing is not None:
            turn.passed_tokens += passing.tokens
            self._held = turn
        return passing

    def started(self, request: Request) -> None:
        """A request left its backlog for the engine."""
        interactive_waits, batch_waits = (len(self._backlogs[p]) > 0 for p in Priority)
        if request.work.priority is Priority.INTERACTIVE and batch_waits:
            self._share.interactive_started(request.cost)
        if request.work.priority is Priority.BATCH and interactive_waits:
            self._share.batch_started(request.cost)
        self.left(request)

    def left(self, request: Request) -> None:
        """A request left its backlog."""
        if request is self._held:
            self._held = None
        if not self._backlogs[Priority.BATCH]:
            self._share.forget()

    def _turn(self) -> Request | None:
        if self._held is not None and not self._still_first(self._held):
            self._held = None
        return self._held or self._in_turn()

    def _still_first(self, held: Request) -> bool:
        if not self._backlogs[held.work.priority].within_fairness(held):
            return False
        if held.work.priority is Priority.INTERACTIVE or not self._backlogs[Priority.INTERACTIVE]:
            return True
        # Batch work that only filled spare time does not make interactive work wait.
        return self._share.due(held.cost)

    def _in_turn(self) -> Request | None:
        interactive = self._backlogs[Priority.INTERACTIVE].first()
        batch = self._backlogs[Priority.BATCH].first()
        if interactive is None or batch is None:
            return interactive or batch
        return batch if self._share.due(batch.cost) else interactive

    def _passing(self, turn: Request) -> Request | None:
        left = self._limits.max_bypass * turn.tokens - turn.passed_tokens
        for backlog in self._backlogs.values():
            small = backlog.smallest()
            if small is None or small.tokens > left or not self.fits(small):
                continue
            if backlog.within_fairness(small):
                return small
        return None

    def fits(self, request: Request) -> bool:
        """Whether the engine has room for a request now."""
        room = self._capacity.fits(request.sequences, request.tokens)
        return room and self._prefill.fits(request.work.prompt_tokens)
