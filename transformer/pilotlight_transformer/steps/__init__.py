"""The steps of a pipeline, a file each."""
