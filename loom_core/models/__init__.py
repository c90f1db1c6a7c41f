"""Networks out of text: bundles and descriptions."""
