"""Whether the engine lives and its GPUs are well."""
