"""The heap against a sorted list."""

from hypothesis import given
from hypothesis import strategies as st

from pilotlight_predictor.admission.heap import Heap


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["push", "discard", "first"]), st.integers(0, 20), st.floats(0, 9)
        )
    )
)
def test_the_first_is_the_smallest_key_then_the_earliest_push(
    steps: list[tuple[str, int, float]],
) -> None:
    heap: Heap[int] = Heap()
    model: dict[int, tuple[float, int]] = {}
    for number, (step, item, key) in enumerate(steps):
        if step == "push":
            heap.push(item, key)
            model[item] = key, number
        elif step == "discard":
            heap.discard(item)
            model.pop(item, None)
        expected = min(model, key=lambda each: model[each]) if model else None
        first = heap.first()
        assert (first[1] if first else None) == expected
        assert len(heap) == len(model)
        assert (item in heap) == (item in model)


def test_what_was_taken_out_is_not_kept_in_memory() -> None:
    heap: Heap[int] = Heap()
    heap.push(-1, -1.0)
    for item in range(10_000):
        heap.push(item, float(item))
        heap.discard(item)
    assert len(heap._entries) < 100
