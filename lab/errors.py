"""What goes wrong in a lab in a way that its user can mend."""


class LabError(Exception):
    """The text says what failed, where its log is, and what to do. Nobody needs to tell one kind from another."""
