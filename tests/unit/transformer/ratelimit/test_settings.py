"""Limits as people write them; what cannot be meant is refused when the file is read."""

import pytest

from pilotlight.errors import UsageError
from pilotlight_transformer.limits.callers import Callers
from pilotlight_transformer.limits.settings import Allowance, RatelimitSettings, per_second
from pilotlight_transformer.pipeline.call import Identity
from pilotlight_transformer.pipeline.configuration import parse_configuration
from tests.unit.transformer.playing import a_call


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/s", 100.0),
        ("60/min", 1.0),
        ("50000 / minute", 50000 / 60),
        ("36/h", 0.01),
        ("0.5/s", 0.5),
        ("864/day", 0.01),
    ],
)
def test_a_rate_is_read(text: str, rate: float) -> None:
    assert per_second(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["100", "100/week", "-1/s", "0/s", "1e9/s", "", None, 5, "nan/s"])
def test_what_is_no_rate_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="rate"):
        per_second(text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{}", "no limit"),
        ("{key: {requests: {rate: 1/s}}}", "burst"),
        ("{key: {requests: {rate: 1/s, burst: 0}}}", "burst"),
        ("{key: {request: {rate: 1/s, burst: 1}}}", "request"),
        ("{key: {}, on_redis_failure: open}", "on_redis_failure"),
        ("{models: [{names: [a, a], tokens: {rate: 1/s, burst: 1}}]}", "twice"),
        ("{tenants: {t: {models: [{names: [a]}, {names: [a]}]}}}", "twice"),
    ],
)
def test_a_wrong_file_is_refused_and_its_place_named(settings: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_configuration(f"pipeline: [{{ratelimit: {settings}}}]", {})


def test_a_named_tenant_has_its_own_limits_and_the_general_ones_for_the_rest() -> None:
    settings = RatelimitSettings.model_validate(
        {
            "key": {"requests": {"rate": "1/s", "burst": 1}},
            "tenant": {"requests": {"rate": "2/s", "burst": 2}},
            "tenants": {"acme": {"tenant": {"requests": {"rate": "9/s", "burst": 9}}}},
        }
    )
    assert settings.allowance("other") == settings.general
    acme = settings.allowance("acme")
    assert acme.key == settings.key
    assert acme.tenant is not None
    assert acme.tenant.requests is not None
    assert acme.tenant.requests.burst == 9
    assert Allowance().over(acme) == acme


def test_an_empty_part_takes_a_named_tenants_limit_away() -> None:
    settings = RatelimitSettings.model_validate(
        {"key": {"requests": {"rate": "1/s", "burst": 1}}, "tenants": {"acme": {"key": {}}}}
    )
    callers = Callers(settings, "m")
    assert callers.buckets(a_call({}, identity=Identity("acme", "k"))) == ()
    assert len(callers.buckets(a_call({}, identity=Identity("other", "k")))) == 1


def test_no_two_callers_share_a_bucket_by_the_way_they_are_called() -> None:
    limits = {"requests": {"rate": "1/s", "burst": 1}}
    settings = RatelimitSettings.model_validate({"key": limits, "tenant": limits})
    callers = Callers(settings, "m")
    identities = [
        Identity(*names)
        for names in (("a", "b"), ("ab", ""), ("", "ab"), ("a", "b\0"), ("a:key", "b"), ("b", "a"))
    ]
    keys = [
        bucket.key
        for identity in identities
        for bucket in callers.buckets(a_call({}, identity=identity))
    ]
    tenants = {identity.tenant for identity in identities}
    assert len(set(keys)) == len(identities) + len(tenants)
