"""What people say about answers: joined with what was known of them, counted, queued for labels."""
