"""KServe and Knative as a rollout sees and changes them."""
