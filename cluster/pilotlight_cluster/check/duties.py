"""What Pilotlight does in the namespace where models run, and which permissions that takes."""

from dataclasses import dataclass

from pilotlight_cluster.check.observation import Action

READ = "get list watch"


@dataclass(frozen=True)
class Duty:
    """One thing that Pilotlight does.

    Attributes:
        rules: Group, resource and verbs.
        essential: Without it nothing of Pilotlight works.
    """

    id: str
    title: str
    rules: tuple[tuple[str, str, str], ...]
    essential: bool = False

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(
            Action(verb, group, resource)
            for group, resource, verbs in self.rules
            for verb in verbs.split()
        )


SERVICES = ("serving.kserve.io", "inferenceservices")
REVISIONS = ("serving.knative.dev", "revisions", f"{READ} patch")
ROUTES = ("serving.knative.dev", "routes", f"{READ} create patch delete")
EVENTS = ("", "events", "create patch")
LEASES = ("coordination.k8s.io", "leases", "get create patch")

DUTIES = (
    Duty("deploy", "deploy models", ((*SERVICES, f"{READ} create patch delete"),), essential=True),
    Duty(
        "observe",
        "watch models",
        (
            ("serving.knative.dev", "services", READ),
            ("serving.knative.dev", "revisions", READ),
            ("serving.knative.dev", "routes", READ),
            ("", "pods", READ),
            ("", "pods/log", "get"),
            ("", "events", "list"),
        ),
    ),
    Duty(
        "warm-pools",
        "control warm pools",
        (
            ("pilotlight.dev", "warmpools", READ),
            ("pilotlight.dev", "warmpools/status", "patch"),
            (*SERVICES, READ),
            REVISIONS,
            ROUTES,
            ("autoscaling.internal.knative.dev", "podautoscalers", READ),
            ("", "pods", READ),
            EVENTS,
            LEASES,
        ),
    ),
    Duty(
        "rollouts",
        "control rollouts",
        (
            ("pilotlight.dev", "inferencerollouts", READ),
            ("pilotlight.dev", "inferencerollouts/status", "patch"),
            (*SERVICES, f"{READ} patch"),
            REVISIONS,
            ROUTES,
            ("", "pods", READ),
            EVENTS,
            LEASES,
        ),
    ),
)
