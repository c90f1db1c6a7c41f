"""What a watched run shows of each layer."""
