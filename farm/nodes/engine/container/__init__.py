"""A BuildKit that farm keeps in a container of a node's Docker or Podman: for engines whose own BuildKit is of no use,
and where builds must be capped all together.

It is always the same one container of a node, whoever builds there: what it should be is said in `settings`, what it is
in `state`, and `keep` makes it so.
"""
