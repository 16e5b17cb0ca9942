"""Ansible's inventories, as far as they say where hosts are: INI, YAML, and what `ansible-inventory --list` prints."""
