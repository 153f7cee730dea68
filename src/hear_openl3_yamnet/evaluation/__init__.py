"""Comparing models by their scores: results of heareval, and the published leaderboard."""
