"""What demonstrations have in common: a server that pretends, chapters, and a live view."""
