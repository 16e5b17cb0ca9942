"""What earlier runs came to, kept in one SQLite file: for resuming, for time limits, and for whoever asks."""
