"""What is compared."""

from dataclasses import dataclass
from typing import Protocol

from pilotlight_autoscaler.study.gaps import Gaps
from pilotlight_autoscaler.study.population import Service
from pilotlight_autoscaler.study.warm import Warm


class Policy(Protocol):
    """Says of each gap when its replica is kept, and when one is started again."""

    def plan(self, service: Service, before: Gaps, asked: Gaps) -> Warm:
        """When a replica is wanted in the gaps that are asked for.

        Whatever it says of one gap may follow from the learning week, from what came ``before``
        and from earlier gaps, never from the end of this one or from later ones.

        Args:
            service: Its ``learning`` and ``learnt`` may be used for every gap; ``requests``
                before a gap begins, too; ``scoring`` never.
            before: The gaps before the first that is asked for; none for the learning week.
            asked: Those to decide, oldest first.
        """
        ...


@dataclass(frozen=True)
class Setting:
    """A policy with its parameters.

    Args:
        policy: To carry out.
        parameters: For people.
    """

    policy: Policy
    parameters: dict[str, float]


@dataclass(frozen=True)
class Family:
    """One kind of policy, with all the parameters that the learning week may choose from.

    Args:
        name: As in the tables.
        settings: What may be chosen.
        ours: Whether it is Pilotlight's.
    """

    name: str
    settings: tuple[Setting, ...]
    ours: bool = False
