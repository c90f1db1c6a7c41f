"""What happens inside a run: layer by layer, ports of a plan turned into events for observers."""
