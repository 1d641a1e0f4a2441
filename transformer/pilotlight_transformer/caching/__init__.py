"""The nouns behind the step ``cache``: keys, entries, where they are kept, and shared answers."""
