"""The outside world as canonical frames. No Dagster, no SQL."""
