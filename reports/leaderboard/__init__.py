"""Leaderboard entries with their published JSON schema."""
