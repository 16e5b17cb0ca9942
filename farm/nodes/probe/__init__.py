"""Asking a node what it is: one POSIX sh script (script.sh), one round trip, then pure parsers."""
