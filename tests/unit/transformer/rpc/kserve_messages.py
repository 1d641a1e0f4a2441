"""KServe's own protobuf messages, without importing KServe."""

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def load() -> Any:
    """The module ``grpc_predict_v2_pb2``."""
    package = find_spec("kserve")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0], "protocol/grpc/grpc_predict_v2_pb2.py")
    spec = spec_from_file_location("kserve_messages_pb2", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pb = load()
