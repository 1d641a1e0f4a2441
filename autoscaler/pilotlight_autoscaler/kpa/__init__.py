"""Knative Serving's pod autoscaler (v0.48.1), equal to the bit, without a cluster or a clock.

Names of files in docstrings are those of the module ``knative.dev/serving``, below ``pkg/``.
"""
