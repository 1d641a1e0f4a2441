"""Whatever fails in between, pools of one budget never hold more than it."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from pilotlight.api.warmpool import Budget
from pilotlight_autoscaler.controller.shares import Shares
from pilotlight_autoscaler.policy.budget.ask import Ask, Held
from pilotlight_autoscaler.policy.budget.group import Member

GROUP = "group/h200"
GPUS = 6
PER_REPLICA = {"a/x": 1, "a/y": 2, "b/x": 1, "c/x": 3}


@dataclass(frozen=True)
class Look:
    """One look at a pool, and what went wrong in it."""

    who: str
    wants: int
    worth: float
    is_stored: bool
    is_settled: bool
    restarts: bool


LOOKS = st.builds(
    Look,
    who=st.sampled_from(sorted(PER_REPLICA)),
    wants=st.integers(0, 7),
    worth=st.floats(0, 10),
    is_stored=st.booleans(),
    is_settled=st.booleans(),
    restarts=st.integers(0, 29).map(lambda n: n == 29),
)


@dataclass
class World:
    """What is claimed, what the levers are, and what the controller remembers."""

    shares: Shares = field(default_factory=Shares)
    claims: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PER_REPLICA, 0))
    levers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PER_REPLICA, 0))
    settled: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PER_REPLICA, True))

    def look(self, look: Look) -> None:
        who, gpus = look.who, PER_REPLICA[look.who]
        if look.restarts:
            self.shares = Shares()
            self.settled = dict.fromkeys(PER_REPLICA, False)
        ask = Ask(who, look.wants, gpus, worths=(look.worth,))
        held = max(self.claims[who], 0 if self.settled[who] else self.levers[who])
        self.shares.put(GROUP, Member(ask, Held(held, gpus, 1e9), Budget(gpus=GPUS)))
        claim = min(look.wants, self.shares.grants(GROUP, PER_REPLICA)[who])
        self.shares.holds(GROUP, who, claim)
        if look.is_stored:
            self.claims[who] = claim
        self.settled[who] = look.is_settled
        if look.is_settled:
            self.levers[who] = self.claims[who]

    @property
    def gpus(self) -> int:
        """Taken by what the levers are, or by what is claimed where that is more."""
        return sum(
            max(self.claims[who], self.levers[who]) * gpus for who, gpus in PER_REPLICA.items()
        )


@given(st.lists(LOOKS, max_size=60))
def test_the_budget_is_never_exceeded(looks: list[Look]) -> None:
    world = World()
    everybody = [Look(who, 0, 0.0, True, True, False) for who in PER_REPLICA]
    for look in (*everybody, *looks):
        world.look(look)
        assert world.gpus <= GPUS


def test_nobody_gets_more_while_one_of_the_group_was_not_seen() -> None:
    shares = Shares()
    ask = Ask("a/x", 3, 1, worths=(1.0,))
    shares.put(GROUP, Member(ask, Held(1, 1), Budget(gpus=GPUS)))
    assert shares.grants(GROUP, ["a/x", "b/x"]) == {"a/x": 1}
    assert shares.grants(GROUP, ["a/x"]) == {"a/x": 3}


def test_a_pool_that_is_gone_leaves_its_share_to_others() -> None:
    shares = Shares()
    for who in ("a/x", "b/x"):
        ask = Ask(who, GPUS, 1, worths=(1.0,))
        shares.put(GROUP, Member(ask, Held(3, 1), Budget(gpus=GPUS)))
    assert sum(shares.grants(GROUP, ["a/x", "b/x"]).values()) == GPUS
    shares.drop("b/x")
    assert shares.grants(GROUP, ["a/x"]) == {"a/x": GPUS}
