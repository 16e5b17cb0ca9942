"""Bake files: buildx reads them, and what it prints of their targets is turned into farm's."""
