"""From layers to something a backend can run: ops, graph builder, gradients, plan."""
