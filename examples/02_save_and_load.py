"""A model is one string: save it, send it anywhere, load it, get the same numbers."""

import json

import numpy as np

from loom_core import build_network_from_json, list_models, load_model_from_string

description = {
    "id": "sketch",
    "seed": 7,
    "layers": [
        {"type": "conv2d", "input_channels": 1, "input_height": 8, "input_width": 8,
         "filters": 4, "kernel_size": 3, "stride": 2, "padding": 1, "activation": "relu"},
        {"type": "dense", "output_size": 3, "activation": "linear"},
        {"type": "softmax"},
    ],
}  # fmt: skip
network = build_network_from_json(json.dumps(description))
text = network.save_model_to_string("sketch")
print(f"{network.get_total_parameters()} weights in a string of {len(text):,} characters")

print("models in it:", list_models(text))
copy = load_model_from_string(text, "sketch")

image = np.linspace(0, 1, 64, dtype=np.float32)
assert (copy.forward_cpu(image) == network.forward_cpu(image)).all()
assert copy.save_model_to_string("sketch") == text
print("probabilities:", copy.forward_cpu(image).round(3))
