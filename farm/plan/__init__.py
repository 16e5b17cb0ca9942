"""Who builds what: pure."""
