"""The predictor: one vLLM engine inside a KServe model server."""
