"""Neural networks that train and run in a web page and natively, from one source."""

__version__ = "0.1.0"
__all__ = ["__version__"]
