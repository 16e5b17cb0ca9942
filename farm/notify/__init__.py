"""Tells people what a night came to, and a watcher elsewhere that there was a night at all."""
