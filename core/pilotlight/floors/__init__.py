"""The one writer of min-scale on Knative's Revisions."""
