"""Jobs, and the pure decisions of what to run."""
