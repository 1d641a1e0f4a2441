"""Images that change under the same name."""

from collections.abc import Iterable

from pilotlight_manifests.lint.finding import Finding, Report
from pilotlight_manifests.lint.workload import Workload


class ImageNotPinned:
    """``:latest``, or no tag: two pods of one version may run different code.

    Knative resolves a tag once per revision (``pkg/reconciler/revision/resolve.go``), so there it
    is information: the same YAML deploys something else next month. In Standard mode every node may
    hold another image under the name, and a rollback brings nothing back.
    """

    id = "image-not-pinned"

    def check(self, workload: Workload, report: Report) -> Iterable[Finding]:
        # A runtime's image is said once, at the runtime.
        place = workload.container.place.at("image")
        image = place.text or ""
        tag = image.rpartition("/")[2].partition(":")[2]
        # What a template fills in is not an image yet.
        if not image or "@" in image or "$" in image or "{" in image or tag not in {"", "latest"}:
            return
        if workload.component != "runtime" and workload.spec.at("model", "runtimeVersion").given:
            return
        said = f"the image {image} has {'the tag latest' if tag else 'no tag, which is latest'}"
        do = "write a version, or better a digest (@sha256:...)"
        if workload.mode.standard:
            yield report.warning(place, f"{said}: pods of one version may run different code.", do)
        else:
            yield report.info(place, f"{said}: the same YAML deploys something else later.", do)
