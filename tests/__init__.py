"""The unit tests, one folder a subject; what several of them use is in ``support``."""
