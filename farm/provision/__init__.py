"""From a bare board to a node: steps that look first and change only what differs, over fabric.

The only room that knows fabric and paramiko: they take 0.4 s to load, so import `connection` inside the function that
needs it. What is to be done is decided without any of it, in `plan` and the modules that it brings together.
"""
