"""What is wrong with a node or with the coordinator, why it matters, and what mends it. Pure."""
