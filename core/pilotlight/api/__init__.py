"""Pilotlight's own Kubernetes API, ``pilotlight.dev/v1alpha1``: its types and their CRDs."""
