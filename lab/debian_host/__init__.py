"""A whole Debian 13 machine beside this one, to install and start real things in, such as Docker Engine.

It shares the kernel and nothing else: root file system, processes, names, control groups and network are its own, and
it is reached by SSH. Needs root.
"""
