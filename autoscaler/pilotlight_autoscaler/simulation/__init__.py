"""A service on Knative, event by event: what a policy would have done to the people who waited."""
