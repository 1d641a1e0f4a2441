"""What one look makes of what servers and Knative tell."""

from pilotlight.metrics.exposition import samples
from pilotlight_autoscaler.metrics import families as f
from pilotlight_autoscaler.metrics.figures import (
    Figures,
    PodFigures,
    RevisionFigures,
    figures,
    pod_figures,
)
from pilotlight_autoscaler.metrics.knative import of_namespace, revision_figures
from pilotlight_autoscaler.metrics.subject import Pod, Subject
from tests.unit.autoscaler.metrics.recorded import (
    ACTIVATOR,
    AUTOSCALER,
    PREDICTOR,
    QUEUE_PROXY,
    VLLM,
)

AT = 1_000.0
REVISION = "chat-predictor-00001"
PREFIX = "pilotlight_predictor_"


def told(text: str) -> PodFigures:
    return pod_figures(samples(text, f.pod_names(PREFIX)), PREFIX, AT)


def subject(*pods: Pod) -> Subject:
    return Subject("team", "chat", revisions=(REVISION,), pods=pods)


def look(*pods: Pod, of: dict[str, PodFigures], knative: RevisionFigures | None = None) -> Figures:
    return figures(subject(*pods), of, {REVISION: knative} if knative else {}, AT)


def test_our_predictors_own_account_comes_before_vllms() -> None:
    assert told(PREDICTOR).values == {
        f.REQUESTS: 42.0,
        f.SINCE: 1.7e9,
        f.IN_FLIGHT: 6.0,
        f.QUEUE: 4.0,
        f.KV_CACHE: 0.75,
        f.GPU: 0.8,
        f.START: 21.5,
    }


def test_a_plain_vllm_server_is_read_by_vllms_names() -> None:
    assert told(VLLM).values == {
        f.REQUESTS: 15.0,
        f.IN_FLIGHT: 8.0,
        f.QUEUE: 3.0,
        f.KV_CACHE: 0.6,
    }


def test_any_other_servers_requests_are_counted_by_its_queue_proxy() -> None:
    assert told(QUEUE_PROXY).values == {f.REQUESTS: 9.0}


def test_what_knative_tells_is_told_apart_by_namespace_and_revision() -> None:
    timed = [(sample, AT) for sample in samples(ACTIVATOR + AUTOSCALER, f.KNATIVE)]
    assert of_namespace(revision_figures(timed), "team") == {REVISION: RevisionFigures(AT, 3, 4.5)}


def test_requests_at_two_activators_are_added_and_the_older_time_counts() -> None:
    [first, *_] = samples(ACTIVATOR, f.KNATIVE)
    found = revision_figures([(first, AT), (first, AT - 7)])
    assert found["team", REVISION] == RevisionFigures(AT - 7, 6)


def test_load_is_the_sum_and_pressure_the_mean_over_ready_replicas() -> None:
    of = {
        "a": PodFigures(AT, {f.IN_FLIGHT: 6, f.QUEUE: 4, f.KV_CACHE: 0.9}),
        "b": PodFigures(AT - 12, {f.IN_FLIGHT: 2, f.QUEUE: 0, f.KV_CACHE: 0.1}),
        "starting": PodFigures(AT, {f.IN_FLIGHT: 0, f.QUEUE: 0, f.KV_CACHE: 0}),
    }
    found = look(Pod("a", ready=True), Pod("b", ready=True), Pod("starting"), of=of).signals
    assert found.concurrency is not None
    assert (found.concurrency.value, found.concurrency.age_s) == (8, 12)
    assert found.queue_depth is not None
    assert found.queue_depth.value == 2
    assert found.kv_cache is not None
    assert found.kv_cache.value == 0.5
    assert found.gpu is None


def test_a_silent_replica_is_taken_to_be_as_busy_as_the_others_and_is_named() -> None:
    of = {"a": PodFigures(AT, {f.IN_FLIGHT: 6})}
    found = look(Pod("a", ready=True), Pod("b", ready=True), of=of)
    assert found.signals.concurrency is not None
    assert found.signals.concurrency.value == 12
    assert found.silence == "1 of 2 replicas tell nothing, as b"


def test_where_a_replica_is_silent_knatives_own_figure_is_taken() -> None:
    of = {"a": PodFigures(AT, {f.IN_FLIGHT: 6})}
    knative = RevisionFigures(AT, waiting=0, busy=7.5)
    found = look(Pod("a", ready=True), Pod("b", ready=True), of=of, knative=knative)
    assert found.signals.concurrency is not None
    assert found.signals.concurrency.value == 7.5


def test_replicas_that_all_are_silent_are_not_idle() -> None:
    assert look(Pod("a", ready=True), of={}).signals.concurrency is None


def test_without_replicas_those_at_the_activator_are_all_there_are() -> None:
    found = look(of={}, knative=RevisionFigures(AT, waiting=3))
    assert found.signals.concurrency is not None
    assert (found.signals.concurrency.value, found.waiting, found.ready) == (3, 3, 0)
    assert not found.silence


def test_requests_on_their_way_through_the_activator_are_not_counted_twice() -> None:
    of = {"a": PodFigures(AT, {f.IN_FLIGHT: 6})}
    found = look(Pod("a", ready=True), of=of, knative=RevisionFigures(AT, waiting=4))
    assert found.signals.concurrency is not None
    assert found.signals.concurrency.value == 6


def test_a_cold_start_is_the_wait_for_a_node_and_an_image_and_the_servers_own_start() -> None:
    of = {"a": PodFigures(AT, {f.START: 20}), "c": PodFigures(AT, {f.START: 20})}
    pods = (Pod("a", waited_s=13), Pod("b", started_s=70), Pod("c"), Pod("d"))
    assert look(*pods, of=of).starts == {"a": 33, "b": 70, "c": 20}
