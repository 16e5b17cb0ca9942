"""Examining a node for the doctor: one more script (script.sh), and what it found as a Condition."""
