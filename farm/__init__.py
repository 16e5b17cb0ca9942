"""farm: builds multi-platform images natively on the boards you own, over SSH."""

__version__ = "0.1.0"
