"""What a person at a terminal gives and reads, the same in every part."""
