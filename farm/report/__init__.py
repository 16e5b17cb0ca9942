"""What is told: events, and those who watch them."""
