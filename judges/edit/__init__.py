"""What an edit changed, and what it should have left alone."""
