"""What runs BuildKit on a node. All of it ends at "a local Unix socket that speaks BuildKit"."""
