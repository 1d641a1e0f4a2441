"""``pilotlight rollout controller``."""

from pilotlight.controller.options import Kubeconfig, Log, Namespaces, Port, settings_of
from pilotlight.terminal.options import Context


def controller(
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespaces = None,
    port: Port = None,
    log: Log = None,
) -> None:
    """Carry out rollouts: the process that decides, acts and admits.

    Everything else is set by PILOTLIGHT_CONTROLLER_*; what is given here counts more.
    """
    from functools import partial

    from pilotlight.controller.process import run
    from pilotlight_canary.controller.duty import RolloutDuty
    from pilotlight_canary.controller.settings import ControllerSettings

    settings = settings_of(ControllerSettings, kubeconfig, context, namespace, port, log)
    run(settings, partial(RolloutDuty, settings))
