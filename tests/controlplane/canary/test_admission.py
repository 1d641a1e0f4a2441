"""The webhooks, asked by a real API server about writes by kubectl and by others."""

import json
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from pilotlight.errors import AccessDenied, ClusterError, ManifestError
from pilotlight.kube.document import Document, Reference
from pilotlight.kube.kinds import (
    INFERENCE_ROLLOUT,
    INFERENCE_SERVICE,
    MUTATING_WEBHOOK,
    NAMESPACE,
    SECRET,
)
from pilotlight_canary.admission.template import PERCENT, TEMPLATE_HASH
from pilotlight_canary.admission.webhooks import NAME
from pilotlight_canary.controller.enrolment import Enrolment
from tests.controlplane.canary.admitting import (
    SYSTEM,
    Installation,
    installed,
    roll_out,
    rollout,
    service,
    shares,
)
from tests.controlplane.conftest import Kubectl

pytestmark = pytest.mark.controlplane

HOME = "admission"
FREE, HELD = (None, False), (0, True)


@pytest.fixture(scope="module")
def site(crds: None, kubectl: Kubectl) -> Iterator[Installation]:
    with installed(kubectl) as found:
        found.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
        found.keep()
        yield found
        found.cluster.delete(Reference(NAMESPACE, HOME))


def target(name: str) -> Reference:
    return Reference(INFERENCE_SERVICE, name, HOME)


def apply(site: Installation, document: Document, *options: str) -> str:
    """kubectl apply; what it printed on the side."""
    told = site.say("apply", "-f", "-", *options, stdin=yaml.safe_dump(document))
    assert told.code == 0, told.warnings
    return told.warnings


def enrolled(
    site: Installation, name: str, document: Document | None = None, **spec: Any
) -> Document:
    """A service of which a revision is rolled out, with an InferenceRollout, and applied once."""
    document = document or service(name, HOME)
    apply(site, document)
    roll_out(site.cluster, target(name), *document["spec"])
    site.cluster.apply(rollout(name, HOME, name, **spec))
    _enrol(site)
    return document


def _enrol(site: Installation) -> None:
    """Have the webhooks name all rollouts, and wait until the API server goes by that."""
    site.keep()
    probe = Reference(INFERENCE_ROLLOUT, "probe", HOME)
    document = service("probe", HOME)
    site.cluster.apply(document)
    roll_out(site.cluster, target("probe"), "predictor")
    site.cluster.apply(rollout("probe", HOME, "probe"))
    site.keep()
    deadline = time.monotonic() + 20
    while shares(site.cluster.apply(changed(document), dry_run=True)) == [FREE]:
        assert time.monotonic() < deadline, "the API server does not ask the webhook"
        time.sleep(0.1)
    site.cluster.delete(probe)
    site.cluster.delete(target("probe"))
    site.keep()


def changed(document: Document, image: str = "b", component: str = "predictor") -> Document:
    new = deepcopy(document)
    new["spec"][component]["containers"][0]["image"] = image
    return new


def test_kubectl_apply_of_a_change_is_held(site: Installation) -> None:
    document = enrolled(site, "apply")
    assert apply(site, changed(document)) == ""
    assert shares(site.cluster.get(target("apply"))) == [HELD]


def test_the_same_applied_again_changes_nothing(site: Installation) -> None:
    document = enrolled(site, "again")
    apply(site, changed(document))
    before = site.cluster.get(target("again"))
    apply(site, changed(document))
    assert site.cluster.get(target("again")) == before


def test_a_second_change_gets_a_mark_of_its_own_and_starts_at_zero(site: Installation) -> None:
    document = enrolled(site, "second")
    apply(site, changed(document, "b"))
    site.controller.patch(target("second"), {"spec": {"predictor": {PERCENT: 25}}})
    before = site.cluster.get(target("second"))["spec"]["predictor"]
    apply(site, changed(document, "c"))
    after = site.cluster.get(target("second"))["spec"]["predictor"]
    assert before[PERCENT] == 25
    assert after[PERCENT] == 0
    assert after["annotations"][TEMPLATE_HASH] != before["annotations"][TEMPLATE_HASH]


def test_server_side_apply_by_another_manager_is_held_and_keeps_it(site: Installation) -> None:
    document = enrolled(site, "server-side")
    options = ("--server-side", "--field-manager=gitops", "--force-conflicts")
    apply(site, document, *options)
    apply(site, changed(document), *options)
    assert shares(site.cluster.get(target("server-side"))) == [HELD]
    site.controller.patch(target("server-side"), {"spec": {"predictor": {PERCENT: 10}}})
    held = site.cluster.get(target("server-side"))["spec"]
    for _ in range(2):
        assert apply(site, changed(document), *options) == ""
        assert site.cluster.get(target("server-side"))["spec"] == held


def test_a_manager_that_owned_the_percentage_and_drops_it_moves_no_traffic(
    site: Installation,
) -> None:
    document = enrolled(site, "dropped")
    options = ("--server-side", "--field-manager=gitops", "--force-conflicts")
    new = changed(document)
    new["spec"]["predictor"][PERCENT] = 0
    apply(site, new, *options)
    apply(site, changed(document), *options)
    assert shares(site.cluster.get(target("dropped"))) == [HELD]


def test_kubectl_replace_keeps_the_share_and_the_mark(site: Installation) -> None:
    document = enrolled(site, "replace")
    apply(site, changed(document))
    site.controller.patch(target("replace"), {"spec": {"predictor": {PERCENT: 50}}})
    told = site.say("replace", "-f", "-", stdin=yaml.safe_dump(changed(document)))
    assert (told.code, told.warnings) == (0, "")
    assert shares(site.cluster.get(target("replace"))) == [(50, True)]


@pytest.mark.parametrize("verb", ["annotate", "label"])
def test_metadata_that_reaches_the_template_is_held(site: Installation, verb: str) -> None:
    enrolled(site, verb)
    told = site.say(verb, "inferenceservice", verb, "team=a", namespace=HOME)
    assert told.code == 0, told.warnings
    assert shares(site.cluster.get(target(verb))) == [HELD]


def test_metadata_that_does_not_reach_the_template_is_not_held(site: Installation) -> None:
    enrolled(site, "bookkeeping")
    for key in ("autoscaling.knative.dev/min-scale=2", "serving.knative.dev/rollout-duration=9s"):
        site.say("annotate", "inferenceservice", "bookkeeping", key, namespace=HOME)
    assert shares(site.cluster.get(target("bookkeeping"))) == [FREE]


def test_a_percentage_by_hand_is_not_taken_and_kubectl_says_why(site: Installation) -> None:
    document = enrolled(site, "by-hand")
    apply(site, changed(document))
    change = json.dumps({"spec": {"predictor": {PERCENT: 50}}})
    told = site.say("patch", "isvc", "by-hand", "--type=merge", "-p", change, namespace=HOME)
    assert "Warning: spec.predictor.canaryTrafficPercent: 50 is not taken, it is 0" in told.warnings
    assert shares(site.cluster.get(target("by-hand"))) == [HELD]


def test_a_dry_run_shows_the_hold_and_stores_nothing(site: Installation) -> None:
    document = enrolled(site, "dry")
    told = site.say(
        "apply",
        "--dry-run=server",
        "-o",
        "json",
        "-f",
        "-",
        stdin=yaml.safe_dump(changed(document)),
    )
    assert shares(json.loads(told.output)) == [HELD]
    assert shares(site.cluster.get(target("dry"))) == [FREE]


def test_a_service_that_has_no_rolled_out_revision_is_not_held(site: Installation) -> None:
    document = enrolled(site, "first")
    nothing = {"status": {"components": {"predictor": {"latestRolledoutRevision": None}}}}
    site.cluster.patch(target("first"), nothing, subresource="status")
    apply(site, changed(document))
    assert shares(site.cluster.get(target("first"))) == [FREE]


def test_both_components_are_held_or_refused(site: Installation) -> None:
    document = service("both", HOME)
    document["spec"]["transformer"] = deepcopy(document["spec"]["predictor"])
    enrolled(site, "both", document, onBothChanged="refuse")
    new = changed(changed(document), component="transformer")
    told = site.say("apply", "-f", "-", stdin=yaml.safe_dump(new))
    assert told.code != 0
    assert "change one of them, wait until its rollout has ended" in told.warnings
    site.cluster.apply(rollout("both", HOME, "both", onBothChanged="predictor-first"))
    apply(site, new)
    components = ("predictor", "transformer")
    assert shares(site.cluster.get(target("both")), components) == [HELD, HELD]


def test_a_suspended_rollout_holds_and_a_dry_run_does_not(site: Installation) -> None:
    document = enrolled(site, "mode", suspend=True)
    apply(site, changed(document))
    assert shares(site.cluster.get(target("mode"))) == [HELD]
    document = enrolled(site, "watched", mode="DryRun")
    assert "would be held at 0 %" in apply(site, changed(document))
    assert shares(site.cluster.get(target("watched"))) == [FREE]


def test_a_service_without_a_rollout_is_not_looked_at(site: Installation) -> None:
    document = service("free", HOME)
    site.cluster.apply(document)
    roll_out(site.cluster, target("free"), "predictor")
    assert shares(site.cluster.apply(changed(document))) == [FREE]


def test_an_outage_refuses_changes_of_enrolled_services_alone(site: Installation) -> None:
    document = enrolled(site, "outage")
    free = service("unhurt", HOME)
    site.cluster.apply(free)
    nowhere = replace(site.upkeep, client=lambda path: {"url": f"https://127.0.0.1:1{path}"})
    nowhere.keep(datetime.now(UTC))
    try:
        _wait_for_refusal(site, changed(document))
        site.cluster.apply(changed(free))
        # The controller itself, finalizers and status go on.
        site.controller.patch(target("outage"), {"spec": {"predictor": {PERCENT: 100}}})
        site.cluster.patch(target("outage"), {"metadata": {"finalizers": ["a.b/c"]}})
        roll_out(site.cluster, target("outage"), "predictor")
        site.cluster.delete(target("outage"))
        site.cluster.patch(target("outage"), {"metadata": {"finalizers": None}})
    finally:
        site.keep()


def _wait_for_refusal(site: Installation, document: Document) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            site.cluster.apply(document, force=True, dry_run=True)
        except ClusterError as error:
            if "webhook does not answer" in str(error):
                return
            raise
        time.sleep(0.1)
    pytest.fail("a change went through while nobody answered")


def test_a_service_is_enrolled_before_its_rollout_is_looked_at(site: Installation) -> None:
    site.cluster.apply(service("soon", HOME))
    site.cluster.apply(rollout("soon", HOME, "soon"))
    mine = f"'{HOME}/soon'"
    before = site.cluster.get(Reference(MUTATING_WEBHOOK, NAME))["webhooks"]
    Enrolment(site.upkeep).ensure(HOME, "soon")
    after = site.cluster.get(Reference(MUTATING_WEBHOOK, NAME))["webhooks"]
    assert mine not in str(before)
    assert mine in str(after)
    site.cluster.delete(Reference(INFERENCE_ROLLOUT, "soon", HOME))
    site.cluster.delete(target("soon"))
    site.keep()


def test_the_controller_may_change_its_own_webhooks_and_no_others(site: Installation) -> None:
    with pytest.raises(AccessDenied):
        site.controller.get(Reference(MUTATING_WEBHOOK, "another"))
    with pytest.raises(AccessDenied):
        site.controller.list(SECRET, SYSTEM)
    with pytest.raises(AccessDenied):
        site.controller.apply(service("made", HOME))
    assert site.controller.get(Reference(MUTATING_WEBHOOK, NAME))["webhooks"]


def test_applying_the_installation_again_leaves_the_webhooks_filled_in(site: Installation) -> None:
    before = site.cluster.get(Reference(MUTATING_WEBHOOK, NAME))["webhooks"]
    site.kubectl("apply", "-k", "manifests/controller")
    assert site.cluster.get(Reference(MUTATING_WEBHOOK, NAME))["webhooks"] == before
    assert not site.keep()


METRIC = {"name": "ttft", "limitSeconds": 0.7}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"targetRef": {"name": "nobody"}}, "there is no InferenceService nobody in namespace"),
    ({"analysis": {"stepWeights": [50, 10]}}, "rise from step to step"),
    ({"analysis": {"metrics": [{"name": "mine"}]}}, "needs a query"),
    ({"analysis": {"pauseWeights": [30]}}, "30 is never reached"),
    ({"analysis": {"metrics": [METRIC]}}, "limitSeconds must be an edge of what is counted"),
    (
        {"analysis": {"metrics": [{"name": "errors", "limitSeconds": 1}]}},
        "limitSeconds is for ttft",
    ),
    ({"analysis": {"promptTokenBuckets": [300]}}, "300 cannot be an edge"),
    (
        {"analysis": {"metrics": [{"name": "mine", "query": {"bad": "a", "total": "b"}}]}},
        "must name the revision with {revision}",
    ),
    ({"warmUp": {"recentPrompts": True}}, "needs recordedRequests"),
]


@pytest.mark.parametrize(("spec", "said"), BAD)
def test_a_rollout_that_could_not_work_is_refused(
    site: Installation, spec: dict[str, Any], said: str
) -> None:
    site.cluster.apply(service("good", HOME))
    with pytest.raises(ManifestError, match=said):
        site.cluster.apply(
            rollout("bad", HOME, "good") | {"spec": {"targetRef": {"name": "good"}} | spec}
        )


def test_a_second_rollout_for_one_service_is_refused(site: Installation) -> None:
    enrolled(site, "one")
    with pytest.raises(ManifestError, match="InferenceRollout one targets InferenceService one"):
        site.cluster.apply(rollout("two", HOME, "one"))
    site.cluster.apply(rollout("one", HOME, "one", suspend=True))


def test_a_service_in_standard_mode_is_refused(site: Installation) -> None:
    document = service("standard", HOME)
    document["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Standard"}
    site.cluster.apply(document)
    with pytest.raises(ManifestError, match="KServe does not split traffic"):
        site.cluster.apply(rollout("standard", HOME, "standard"))


def test_a_target_may_come_later_where_it_is_said_and_in_a_dry_run(site: Installation) -> None:
    later = rollout("later", HOME, "later")
    assert "there is no InferenceService later" in apply(site, later, "--dry-run=server")
    later["metadata"]["annotations"] = {"pilotlight.dev/await-target": "true"}
    assert "Warning: there is no InferenceService later" in apply(site, later)


def test_a_configmap_that_is_missing_is_a_warning(site: Installation) -> None:
    site.cluster.apply(service("prompts", HOME))
    spec = {"warmUp": {"prompts": {"name": "golden", "key": "a.jsonl"}}}
    document = rollout("prompts", HOME, "prompts", **spec)
    assert "spec.warmUp.prompts: there is no ConfigMap golden" in apply(site, document)
    data = {"b.jsonl": ""}
    golden = {"name": "golden", "namespace": HOME}
    site.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": golden, "data": data})
    document["spec"]["suspend"] = True
    assert "ConfigMap golden has no key a.jsonl" in apply(site, document)


def test_a_rollout_whose_target_is_gone_can_still_be_changed(site: Installation) -> None:
    document = enrolled(site, "gone")
    site.cluster.delete(target("gone"))
    assert document
    assert "any more" in apply(site, rollout("gone", HOME, "gone", suspend=True))


def runtime(image: str) -> Document:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": {"name": "admission-runtime"},
        "spec": {
            "supportedModelFormats": [{"name": "vllm"}],
            "containers": [{"name": "kserve-container", "image": image}],
        },
    }


def test_an_edit_of_a_runtime_that_enrolled_services_run_on_is_refused(
    site: Installation,
) -> None:
    site.cluster.apply(runtime("a"))
    enrolled(site, "on-runtime")
    status = {"status": {"clusterServingRuntimeName": "admission-runtime"}}
    site.cluster.patch(target("on-runtime"), status, subresource="status")
    _enrol(site)
    with pytest.raises(ManifestError, match=f"{HOME}/on-runtime run on this runtime"):
        site.cluster.apply(runtime("b"))
    labelled = runtime("a")
    labelled["metadata"]["labels"] = {"team": "a"}
    site.cluster.apply(labelled)
    site.cluster.delete(Reference(INFERENCE_ROLLOUT, "on-runtime", HOME))
    site.cluster.apply(runtime("b"))


def test_certificates_are_replaced_while_changes_come_in(site: Installation) -> None:
    """From one authority to the next each change is held: none is refused, none slips past."""
    document = enrolled(site, "rotated")
    now = datetime.now(UTC)
    site.cluster.patch(site.upkeep.secret, {"data": None})
    for days in (243.5, 183, 122, 61):
        site.keep(now - timedelta(days=days))
    served, bundles = [], []
    for hours in (5, 3, 2, 0):
        site.keep(now - timedelta(hours=hours))
        # An hour in the life of an API server.
        time.sleep(1)
        served.append(site.cluster.get(site.upkeep.secret)["data"]["tls.crt"])
        bundles.append(_bundle(site))
        apply(site, changed(document, f"image-{hours}"))
        assert shares(site.cluster.get(target("rotated"))) == [HELD]
    assert len(set(bundles)) == 4  # one, with the next, with the old one, the next alone
    assert served[0] == served[1] != served[2] == served[3]


def _bundle(site: Installation) -> str:
    (webhook,) = site.cluster.get(Reference(MUTATING_WEBHOOK, NAME))["webhooks"]
    return str(webhook["clientConfig"]["caBundle"])
