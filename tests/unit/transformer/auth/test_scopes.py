"""What scopes open: whole names and ``*``, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight_transformer.auth.scopes import Grants, checked_scopes, matches
from pilotlight_transformer.pipeline.route import Route

TEXTS = st.text(alphabet="ab:/.", max_size=8)
PATTERNS = st.text(alphabet="ab:/.*", max_size=8)
MODELS = st.text(alphabet="abm-/:@.[]?{}^$", min_size=1, max_size=12)


@given(PATTERNS, TEXTS)
def test_a_star_is_any_text_and_every_other_character_itself(pattern: str, text: str) -> None:
    oracle = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL)
    assert matches(pattern, text) == (oracle is not None)


@given(MODELS, MODELS)
def test_a_scope_of_one_model_opens_that_model_only(granted: str, asked: str) -> None:
    assert Grants([f"chat:{granted}"]).opens(Route.CHAT, asked) == (granted == asked)


@given(MODELS, st.sampled_from(list(Route)), st.sampled_from(list(Route)))
def test_a_scope_of_one_route_opens_no_other(model: str, granted: Route, asked: Route) -> None:
    grants = Grants([f"{granted.value}:*"])
    assert grants.opens(asked, model) == (granted is asked)
    assert grants.opens_all(asked) == (granted is asked)


@given(st.lists(st.text(max_size=20)), st.sampled_from(list(Route)), MODELS)
def test_more_scopes_never_open_less(scopes: list[str], route: Route, model: str) -> None:
    fewer, more = Grants(["chat:m*"]), Grants(["chat:m*", *scopes])
    assert more.opens(route, model) or not fewer.opens(route, model)


def test_a_model_named_with_colons_and_slashes_is_one_name() -> None:
    grants = Grants(["chat:org/model:v2"])
    assert grants.opens(Route.CHAT, "org/model:v2")
    assert not grants.opens(Route.CHAT, "org/model")
    assert not grants.opens(Route.CHAT, "v2")


def test_what_names_no_model_needs_a_scope_of_all_models() -> None:
    assert not Grants(["feedback:m"]).opens(Route.FEEDBACK, None)
    assert Grants(["feedback:*"]).opens(Route.FEEDBACK, None)
    assert Grants(["*:*"]).opens(Route.FEEDBACK, None)


def test_a_scope_of_an_identity_provider_opens_nothing() -> None:
    grants = Grants(["openid", "profile", "chat", ":", "chat:", ":*", "*", "https://x/chat"])
    assert not any(grants.opens(route, model) for route in Route for model in (None, "m"))


@pytest.mark.parametrize("scope", ["chat", "chat:", "", "*", "chats:*", "Chat:*", "chat:" * 200])
def test_a_scope_in_a_file_that_opens_nothing_is_a_mistake(scope: str) -> None:
    with pytest.raises(ValueError, match="opens no route"):
        checked_scopes(["chat:*", scope])


def test_a_pattern_of_many_stars_takes_no_exponential_time() -> None:
    assert not matches("*a" * 100 + "b", "a" * 10_000)
