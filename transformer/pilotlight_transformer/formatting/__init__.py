"""The nouns behind the step ``format``: loops, lengths, schemas and envelopes."""
