"""Who is asked about which writes."""

from pilotlight_canary.admission.runtimes import RuntimeEdits
from pilotlight_canary.admission.webhooks import Enrolled, configurations, of_service


def conditions(enrolled: Enrolled, edits: RuntimeEdits = RuntimeEdits.REFUSE) -> dict[str, str]:
    found = {}
    for document in configurations(enrolled, of_service("n", "s"), "Q0E=", "user", edits):
        for webhook in document["webhooks"]:
            found[webhook["name"]] = webhook["matchConditions"][0]["expression"]
            assert webhook["clientConfig"]["caBundle"] == "Q0E="
    return found


def test_without_a_rollout_nobody_is_asked() -> None:
    found = conditions(Enrolled())
    assert found["hold.pilotlight.dev"] == "false"
    assert found["runtimes.pilotlight.dev"] == "false"


def test_enrolled_services_are_named_one_by_one() -> None:
    expression = conditions(Enrolled(("a/x", "b/y")))["hold.pilotlight.dev"]
    assert expression.endswith("in ['a/x', 'b/y']")


def test_where_the_list_gets_too_long_namespaces_are_named() -> None:
    names = tuple(f"namespace-{n % 3}/a-service-of-some-name-{n}" for n in range(3000))
    expression = conditions(Enrolled(names))["hold.pilotlight.dev"]
    assert expression.endswith("in ['namespace-0', 'namespace-1', 'namespace-2']")


def test_edits_of_runtimes_that_are_only_warned_of_need_no_answer() -> None:
    policies = {}
    for edits in RuntimeEdits:
        _, validating = configurations(Enrolled(), of_service("n", "s"), "", "user", edits)
        runtimes = next(w for w in validating["webhooks"] if w["name"].startswith("runtimes"))
        policies[edits] = runtimes["failurePolicy"]
    assert policies == {RuntimeEdits.REFUSE: "Fail", RuntimeEdits.WARN: "Ignore"}
