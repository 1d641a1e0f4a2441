"""Rollouts: new versions of an InferenceService, judged by evidence."""
