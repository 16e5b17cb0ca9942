"""The command line: parses flags, calls one workflow, exits with its code."""
