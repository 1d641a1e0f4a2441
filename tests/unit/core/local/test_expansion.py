"""References in a container's text. The table is that of Kubernetes' own test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.local.expansion import expand, fill_placeholders
from pilotlight.local.schema import Metadata

VARIABLES = {"VAR_A": "A", "VAR_B": "B", "VAR_REF": "$(VAR_A)", "VAR_EMPTY": ""}


# kubernetes/third_party/forked/golang/expansion/expand_test.go
@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("$(VAR_A)_$(VAR_B)", "A_B"),
        ("$(VAR_REF)", "$(VAR_A)"),
        ("f000-$(VAR_EMPTY)-bar", "f000--bar"),
        ("$(VAR_MISSING)", "$(VAR_MISSING)"),
        ("$$(VAR_A)", "$(VAR_A)"),
        ("$$$(VAR_A)", "$A"),
        ("$$$$(VAR_A)", "$$(VAR_A)"),
        ("$VAR_A", "$VAR_A"),
        ("$(VAR_A", "$(VAR_A"),
        ("foo$", "foo$"),
        ("$(VAR_A))", "A)"),
        ("$()", "$()"),
    ],
)
def test_references_follow_kubernetes(text: str, expanded: str) -> None:
    assert expand(text, VARIABLES) == expanded


@given(st.text())
def test_doubled_dollars_always_come_out_single(text: str) -> None:
    assert expand(text.replace("$", "$$"), VARIABLES) == text


@given(st.text(alphabet=st.characters(exclude_characters="$")))
def test_text_without_a_dollar_is_left_alone(text: str) -> None:
    assert expand(text, VARIABLES) == text


METADATA = Metadata(
    name="svc", namespace="ns", labels={"tier": "gold"}, annotations={"owner": "me"}
)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("--model_name={{.Name}}", "--model_name=svc"),
        ("{{ .Namespace }}/{{.Name}}", "ns/svc"),
        ("{{.Labels.tier}}-{{.Annotations.owner}}", "gold-me"),
        ("{.Name}", "{.Name}"),
    ],
)
def test_placeholders_take_the_services_metadata(text: str, filled: str) -> None:
    assert fill_placeholders(text, METADATA) == filled


@pytest.mark.parametrize(
    "text", ["{{.Labels.color}}", "{{.Uid}}", "{{}}", "{{ if .Name }}", "{{.Foo.Name}}"]
)
def test_a_placeholder_without_a_value_is_an_error(text: str) -> None:
    with pytest.raises(KeyError):
        fill_placeholders(text, METADATA)
