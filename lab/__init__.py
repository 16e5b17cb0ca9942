"""A whole farm on one machine: real sshd, real BuildKit, a real registry, in one directory that comes and goes.

The lab stands outside the product: nothing in ``farm`` knows of it. A node of the lab answers over SSH as a board
would (its own userland of its own architecture, its own host name and process numbers), so what works here meets a real
board through the very same code. ``scripts/lab`` drives it from a shell; Python has ``lab.up.up``, ``lab.down.down``.
"""
