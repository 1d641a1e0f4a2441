"""The versions that the local cluster is made of, pinned together."""

KUBERNETES = "v1.34.4"
SERVING = "v0.48.1"
"""Knative Serving 1.21."""
KOURIER = "v0.48.0"
KSERVE = "v0.20.0"
COREDNS = "v1.12.4"
DEBIAN = "bookworm"
