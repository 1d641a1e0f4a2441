"""Where the course of a rollout is kept."""

from pilotlight.errors import NotInCluster
from pilotlight.kube.access import ApiServer
from pilotlight.kube.document import Reference
from pilotlight.kube.kinds import CONFIG_MAP
from pilotlight_canary.timeline import Timeline, name_of, parse
from pilotlight_canary.view.observer import parse as parse_rollout
from pilotlight_canary.view.observer import read


def timeline(cluster: ApiServer, name: str, namespace: str) -> Timeline:
    """The course of a rollout's last version.

    Raises:
        NotInCluster: There is no such rollout, or nothing was rolled out yet.
        ManifestError: Somebody else wrote what is there.
    """
    rollout = parse_rollout(read(cluster, name, namespace))
    reference = Reference(CONFIG_MAP, rollout.status.timeline or name_of(name), namespace)
    try:
        found = parse(cluster.get(reference).get("data") or {})
    except NotInCluster as error:
        raise NotInCluster(
            f"{name} has no course to draw yet: ConfigMap {reference.name} comes with the first "
            f"version of InferenceService {rollout.spec.target_ref.name} that is rolled out"
        ) from error
    if not found.points:
        raise NotInCluster(f"{name} has no course to draw yet: the first look is still to come")
    return found
