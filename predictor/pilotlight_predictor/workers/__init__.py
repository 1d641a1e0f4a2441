"""vLLM's workers, with the phases of their start timed."""
