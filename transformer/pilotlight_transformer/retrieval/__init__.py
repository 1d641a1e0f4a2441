"""What the step ``retrieve`` knows: documents, their chunks, and how they are found again."""
