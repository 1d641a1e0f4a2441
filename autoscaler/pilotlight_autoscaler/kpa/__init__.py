"""Knative Serving's pod autoscaler (v0.48.1), equal to the bit, without a cluster or a clock.

Names of files in docstrings are those of the module ``knative.dev/serving``, below ``pkg/``;
``tests/knative`` asks that code itself, built for amd64, and compares.

The way of a number: ``reports`` (activator, queue-proxy) -> ``collector`` (``buckets``) ->
``decider`` (``autoscaler``, ``windows``) -> ``pod_autoscaler`` (``scaler``, ``status``,
``serverless_service``) -> replicas. ``annotations`` reads ``settings``.

Not here: more than one activator for a revision, which pods are asked at random above four,
scrapes that fail, and how long the network takes to follow.
"""
