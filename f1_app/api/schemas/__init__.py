"""What answers look like, one class each, with an example that a test compares with the class."""
