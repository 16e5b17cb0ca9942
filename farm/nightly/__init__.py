"""What is due tonight, and the run that builds it: from what moved since the last run to one message in the morning."""
