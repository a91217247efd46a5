"""What people and machines read: HTML, leaderboard JSON, CI formats."""
