"""The network: all that can be done with a grid of layers, one subject a file."""

from loom_core.network.network import Network as Network
