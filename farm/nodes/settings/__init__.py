"""What an inventory says of registries, proxies and limits, in the form that each engine reads. Pure.

Who brings it to a node writes files whole, and only what differs: `farm.nodes.engine` for its container,
`farm.provision` for what is installed.
"""
