"""Puts the parts of the loop together."""

from concurrent.futures import Executor

import aiohttp

from pilotlight.clock import Clock
from pilotlight.controller.events import Recorder
from pilotlight.controller.fence import Fence
from pilotlight.controller.turns import Turns
from pilotlight_canary.controller.doorbell import Doorbell, Key
from pilotlight_canary.controller.enrolment import Enrolment
from pilotlight_canary.controller.figures import Figures
from pilotlight_canary.controller.gauges import Gauges
from pilotlight_canary.controller.jobs import Jobs
from pilotlight_canary.controller.keeper import Keeper
from pilotlight_canary.controller.look import Looks
from pilotlight_canary.controller.notifications import Notifier
from pilotlight_canary.controller.publisher import Publisher
from pilotlight_canary.controller.rounds import Rounds
from pilotlight_canary.controller.settings import ControllerSettings
from pilotlight_canary.controller.sources import Sources
from pilotlight_canary.controller.surroundings import Surroundings
from pilotlight_canary.controller.tasks import Tasks
from pilotlight_canary.kserve.act import Actor
from pilotlight_canary.kserve.observe import Observer
from pilotlight_canary.policy.decide import decide
from pilotlight_canary.policy.release import release

COMPONENT = "pilotlight-rollout-controller"


def keeper_of(
    settings: ControllerSettings,
    cluster: Fence,
    gauges: Gauges,
    session: aiohttp.ClientSession,
    pool: Executor,
    clock: Clock,
    enrolment: Enrolment | None = None,
) -> Keeper:
    """What looks after every rollout.

    Args:
        settings: Of the process.
        cluster: Written to only while this process leads.
        gauges: The metrics.
        session: For webhooks and chat.
        pool: Threads for looks.
        clock: Time of all decisions.
        enrolment: Of the rollouts' targets with the webhooks; ``None``: there are none.
    """
    looks = Looks(
        cluster,
        Surroundings(Observer(cluster)),
        Figures(Sources(settings.prometheus, cluster, clock).of),
        decide,
        release,
        Actor(cluster, clock),
        clock,
        enrolment,
    )

    def sent(arrived: bool) -> None:
        gauges.notifications.labels("sent" if arrived else "failed").inc()

    publisher = Publisher(
        cluster,
        Recorder(cluster, COMPONENT, settings.identity, clock),
        gauges,
        Notifier(cluster, session, sent),
        clock,
    )
    tasks = Tasks(cluster, session, settings.gateway)

    def make(key: Key, bell: Doorbell) -> Rounds:
        jobs = Jobs(tasks.run, bell.rung.set)
        turns = Turns("/".join(key), pool, settings.look_timeout_s)
        return Rounds(key, bell, looks, jobs, publisher, turns, clock)

    return Keeper(make, lambda key: gauges.forget(*key))
