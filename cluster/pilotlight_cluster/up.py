"""From nothing, or from whatever is left, to a cluster that serves."""

from pathlib import Path

from pilotlight.errors import OperationError
from pilotlight_cluster import requirements
from pilotlight_cluster.addons import knative, kserve, volumes
from pilotlight_cluster.binaries import ensure_all
from pilotlight_cluster.cluster import SYSTEM_NAMESPACES, Cluster
from pilotlight_cluster.console import Progress
from pilotlight_cluster.down import Down
from pilotlight_cluster.images import archive, platform
from pilotlight_cluster.images.project import ProjectImages
from pilotlight_cluster.node import NODE_NAME
from pilotlight_cluster.process import Program
from pilotlight_cluster.services import documents as service_documents

NODE_TIMEOUT_S = 60
READY_TIMEOUT_S = 240
LOG_LINES = 12
READY = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"


class Up:
    """Each step does what is missing, and nothing when nothing is."""

    def __init__(self, cluster: Cluster, progress: Progress) -> None:
        self.cluster = cluster
        self.progress = progress

    def run(self, *, project_images: bool) -> None:
        """Bring the cluster up.

        Args:
            project_images: Also build and load Pilotlight's own images.

        Raises:
            UsageError: This machine cannot be a node.
            OperationError: A step failed, with the log lines of the part that did.
        """
        cluster = self.cluster
        requirements.refuse_elsewhere()
        requirements.refuse_another_kubelet(cluster.layout.state)
        if cluster.traces.leaving:
            # Its pods and webhooks may be gone, and nobody would make them again.
            Down(cluster, self.progress).run()
        requirements.install(self.progress, requirements.PACKAGES)
        ensure_all(cluster.binaries, self.progress)
        cluster.traces.remember()
        self._network()
        with self.progress.step("settings") as outcome:
            cluster.prepare()
            outcome.quiet = True
        for program in cluster.programs():
            self._process(program)
        self._platform_images()
        self._node()
        self._addons()
        if project_images:
            ProjectImages(cluster, self.progress).ensure_all()

    def _network(self) -> None:
        with self.progress.step("network") as outcome:
            outcome.quiet = not self.cluster.network.up()

    def _process(self, program: Program) -> None:
        with self.progress.step(program.name) as outcome:
            outcome.quiet = not self.cluster.supervisor.ensure(program)

    def _platform_images(self) -> None:
        with self.progress.step("platform images") as outcome:
            loaded = self.cluster.containerd.images()
            wanted = platform.images(self.cluster.binaries)
            missing = [image for image in wanted if image.name not in loaded]
            outcome.quiet = not missing
            if missing:
                file = self.cluster.layout.state / "platform-images.tar"
                archive.write(file, missing)
                self.cluster.containerd.import_archive(file)
                file.unlink()

    def _node(self) -> None:
        with self.progress.step("node ready") as outcome:
            outcome.quiet = self.cluster.kubectl("get", "nodes", "-o", READY).strip() == "True"
            if outcome.quiet:
                return
            for event in ("create", "condition=Ready"):
                self.cluster.kubectl(
                    *("wait", f"--for={event}", f"node/{NODE_NAME}"),
                    f"--timeout={NODE_TIMEOUT_S}s",
                    timeout_s=NODE_TIMEOUT_S + 10,
                )

    def _addons(self) -> None:
        cluster, apply = self.cluster, self.cluster.kubectl.apply
        with self.progress.step("definitions of Knative and KServe") as outcome:
            crds = [*knative.crds(cluster.binaries), *kserve.crds(cluster.binaries)]
            outcome.quiet = not apply("crds", crds)
            if not outcome.quiet:
                cluster.kubectl.wait_for_definitions()
        changed = False
        with self.progress.step("Knative Serving, Kourier and KServe") as outcome:
            changed |= apply("knative", knative.documents(cluster.binaries))
            authority = cluster.plane.authority
            changed |= apply("kserve", kserve.documents(cluster.binaries, authority))
            changed |= apply("services", service_documents())
            outcome.quiet = not changed
        with self.progress.step("their pods are ready") as outcome:
            outcome.quiet = not changed
            self._await_pods()
        with self.progress.step("KServe's runtimes, and the models' volumes") as outcome:
            # KServe's webhooks look at runtimes, and answer only now.
            changed = apply("runtimes", kserve.runtimes(cluster.binaries))
            cluster.layout.volumes.mkdir(parents=True, exist_ok=True)
            changed |= apply("volumes", volumes.documents(cluster.layout.volumes))
            outcome.quiet = not changed

    def _await_pods(self) -> None:
        try:
            self.cluster.kubectl.wait_for_deployments(*SYSTEM_NAMESPACES, timeout_s=READY_TIMEOUT_S)
        except OperationError as error:
            lines = self.cluster.kubectl.unready_pods(*SYSTEM_NAMESPACES)
            lines += _pod_logs(self.cluster.layout.logs / "pods", lines)
            raise OperationError("\n  ".join([str(error), *lines])) from error


def _pod_logs(folder: Path, complaints: list[str]) -> list[str]:
    """The last log lines of the pods that complaints name (``NAMESPACE/POD …``)."""
    found: list[str] = []
    for complaint in complaints:
        pod = complaint.split(":")[0].split()[0].replace("/", "_")
        for file in sorted(folder.glob(f"{pod}_*/*/*.log")):
            lines = file.read_text(errors="replace").splitlines()[-LOG_LINES:]
            found += [f"{file.parent.name}: {line}" for line in lines]
    return found
