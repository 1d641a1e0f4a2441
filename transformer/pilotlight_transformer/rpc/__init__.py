"""The Open Inference Protocol over gRPC, passed through."""
