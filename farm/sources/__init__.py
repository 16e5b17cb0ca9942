"""What to build: the spec, its context, its base images, its tags."""
