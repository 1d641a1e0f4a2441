"""The versions that the local cluster is made of, pinned together."""

KUBERNETES = "v1.34.4"
KNATIVE_RELEASE = "1.21.1"
"""What Serving's module v0.48.1 is released as; the modules' versions are in go/knative/go.mod."""
KSERVE = "v0.20.0"
COREDNS = "v1.12.4"
DEBIAN = "bookworm"
