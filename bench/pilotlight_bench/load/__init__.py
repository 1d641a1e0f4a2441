"""The load: lengths from a trace, prompts of those lengths, and the generator that sends them."""
