"""A first inventory: what other tools know of boards, as text in; an inventory.yaml, as text out. Pure but `files`."""
