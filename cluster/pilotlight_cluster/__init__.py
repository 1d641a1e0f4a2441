"""A real Kubernetes with Knative and KServe on one machine, for development and tests."""
