"""Knative, Kourier and KServe from their own published YAML, changed only where they must be."""
