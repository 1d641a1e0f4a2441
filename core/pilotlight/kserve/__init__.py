"""What KServe and Knative say of a service, as every controller reads it."""
