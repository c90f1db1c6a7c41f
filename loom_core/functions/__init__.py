"""Public functions that the documents have beside the objects.

Importing this package registers them all, also those that nobody in Python calls.
"""

from loom_core.functions import (
    extraction as extraction,
    layer_inits as layer_inits,
    model_evaluation as model_evaluation,
    registry as registry,
    single_layer as single_layer,
    softmax_inits as softmax_inits,
    vector_statistics as vector_statistics,
)
