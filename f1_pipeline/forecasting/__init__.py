"""Ratings, features, models, order distributions and scores: pure functions on frames."""
