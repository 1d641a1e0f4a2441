"""The methods of KServe's V2 protocol over gRPC, and the requests over HTTP that say the same."""

from dataclasses import dataclass

from pilotlight.errors import InvalidRequest, ModelNotFound, RouteNotFound
from pilotlight_transformer.pipeline.route import Match, match
from pilotlight_transformer.rpc.wire import model_name

SERVICE = "inference.GRPCInferenceService"
LIVE = f"/{SERVICE}/ServerLive"
READY = f"/{SERVICE}/ServerReady"


@dataclass(frozen=True, slots=True)
class Method:
    """One that goes through the steps to the predictor.

    Attributes:
        full_name: With its service, as HTTP/2's ``:path`` has it.
        verb: Of the request over HTTP.
        path: Likewise; ``{}`` stands for the model's name.
    """

    full_name: str
    verb: str
    path: str

    def match(self, message: bytes) -> Match:
        """What a message asks for.

        Raises:
            InvalidRequest: It cannot be read.
            ModelNotFound: It names no model, or one whose name no model has.
        """
        name = model_name(message)
        if "{}" not in self.path:
            return match(self.verb, self.path.encode())
        if not name:
            raise ModelNotFound("the message names no model: set its first field")
        try:
            found = match(self.verb, self.path.format(name).encode())
        except (InvalidRequest, RouteNotFound):
            found = None
        # Nothing but the name itself may come out: no path within it, and nothing encoded.
        if found is None or found.name != name:
            raise ModelNotFound("there is no model of that name")
        return found


METHODS = {
    method.full_name: method
    for method in (
        Method(f"/{SERVICE}/ModelInfer", "POST", "/v2/models/{}/infer"),
        Method(f"/{SERVICE}/ModelReady", "GET", "/v2/models/{}/ready"),
        Method(f"/{SERVICE}/ModelMetadata", "GET", "/v2/models/{}"),
        Method(f"/{SERVICE}/ServerMetadata", "GET", "/v2"),
    )
}
"""``RepositoryModelLoad`` and ``RepositoryModelUnload`` are missing on purpose: what is served is
the operator's to decide, and no client's."""
