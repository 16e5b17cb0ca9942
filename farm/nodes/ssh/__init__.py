"""SSH to a node: one checked connection, its commands and its tunnels. The only room that knows asyncssh.

asyncssh takes 150 ms to load, so import these modules inside the function that needs them.
"""
