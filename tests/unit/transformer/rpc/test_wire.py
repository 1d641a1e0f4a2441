"""The name that the steps see is the name that the predictor reads."""

import time

import pytest
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from pilotlight.errors import InvalidRequest
from pilotlight_transformer.rpc.wire import MAX_FIELDS, model_name
from tests.unit.transformer.rpc.kserve_messages import pb


def a_request(name: str) -> bytes:
    request = pb.ModelInferRequest(model_name=name, id="7", raw_input_contents=[b"x" * 300])
    request.inputs.add(name="prompt", datatype="BYTES", shape=[1])
    request.parameters["max_tokens"].int64_param = -1
    raw: bytes = request.SerializeToString()
    return raw


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


FIELDS = st.one_of(
    st.builds(lambda name: b"\x0a" + varint(len(name)) + name, st.binary(max_size=8)),
    st.builds(lambda text: b"\x3a" + varint(len(text)) + text, st.binary(max_size=200)),
    st.builds(
        lambda number, kind, rest: varint(number << 3 | kind) + rest,
        st.one_of(st.integers(0, 8), st.integers(2**28, 2**34)),
        st.integers(0, 7),
        st.binary(max_size=12),
    ),
    # A name behind a tag that is longer than it need be.
    st.just(b"\x8a\x00\x01z"),
    st.just(b"\x8a\x80\x80\x80\x80\x80\x00\x01z"),
    # A tag that is field 1 only for who keeps its lower 32 bits.
    st.just(varint(1 << 32 | 0x0A) + b"\x01q"),
    st.binary(max_size=6),
)


@given(st.lists(FIELDS, max_size=6).map(b"".join))
def test_what_is_read_here_is_what_protobuf_reads(message: bytes) -> None:
    try:
        name = model_name(message)
    except InvalidRequest:
        return
    try:
        parsed = pb.ModelInferRequest.FromString(message)
    except DecodeError:
        return
    assert parsed.model_name == name


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_every_name_is_read_out_of_a_real_request(name: str) -> None:
    assert model_name(a_request(name)) == name


def test_of_several_names_the_last_one_counts() -> None:
    assert model_name(a_request("first") + b"\x0a\x06second") == "second"
    assert model_name(b"\x0a\x01a" + a_request("")) == "a"


@pytest.mark.parametrize(
    "message",
    [
        b"\x0a",
        b"\x0a\x05abc",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        b"\x0b\x0a\x01a\x0c",  # a group
        b"\x0e\x00",
        b"\x08\x01",  # field 1 as a number
        b"\x0d\x00\x00\x00\x00",
        b"\x02\x01a",  # field 0
        b"\x8a\x80\x80\x80\x80\x00\x01a",  # a tag of six bytes
        varint(1 << 32 | 0x0A) + b"\x01a",
        b"\x0a\x01\xff",  # no UTF-8
        b"\x11\x00",
    ],
)
def test_what_parsers_may_read_differently_is_refused(message: bytes) -> None:
    with pytest.raises(InvalidRequest):
        model_name(message)


def test_a_message_of_many_fields_costs_little_and_is_refused() -> None:
    message = b"\x3a\x00" * (8 * 2**20)
    began = time.process_time()
    with pytest.raises(InvalidRequest, match=f"over {MAX_FIELDS} fields"):
        model_name(message)
    assert time.process_time() - began < 0.5
    assert model_name(b"\x3a\x00" * MAX_FIELDS) == ""
