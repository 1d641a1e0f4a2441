"""``pilotlight warmpool controller``."""

from pilotlight.controller.options import Kubeconfig, Log, Namespaces, Port, settings_of
from pilotlight.terminal.options import Context


def controller(
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespaces = None,
    port: Port = None,
    log: Log = None,
) -> None:
    """Keep warm pools: the process that decides the floors and holds them.

    Everything else is set by PILOTLIGHT_WARMPOOL_*; what is given here counts more.
    """
    from functools import partial

    from pilotlight.controller.process import run
    from pilotlight_autoscaler.controller.duty import WarmPoolDuty
    from pilotlight_autoscaler.controller.settings import WarmPoolSettings

    settings = settings_of(WarmPoolSettings, kubeconfig, context, namespace, port, log)
    run(settings, partial(WarmPoolDuty, settings))
