"""Text formats and content keys: strict YAML and JSON Lines, foreign text, retries."""
