"""A node: its SSH session and tunnels, its engine, its facts."""
