"""Small networks, with data that they learn in a moment."""

from loom_core import Dense, Network, Residual, Softmax, TrainingConfig, TrainingData

XOR_INPUTS = [0, 0, 0, 1, 1, 0, 1, 1]
XOR_TARGETS = [0, 1, 1, 0]
XOR = TrainingData(XOR_INPUTS, XOR_TARGETS, batch_size=2)


def xor_network(seed=2):
    """Two layers that can learn XOR."""
    return Network.of(Dense(8, "tanh"), Dense(1, "sigmoid"), input_size=2, seed=seed)


def classifier(seed=1):
    """Three numbers in, the probabilities of four classes out."""
    return Network.of(Dense(4, "linear"), Softmax(), input_size=3, seed=seed)


def mlp(**settings):
    """Three numbers in, two out, with a residual connection between layers of four."""
    return Network.of(
        Dense(4, "tanh"),
        Dense(4, "sigmoid"),
        Residual(),
        Dense(2, "linear"),
        input_size=3,
        **settings,
    )


def events_of(network, data=XOR, **config):
    """Train and return what was told of each batch."""
    events = []
    settings = {"progress_interval": 0.0, **config}
    network.train(data, TrainingConfig(**settings), events.append)
    return [event for event in events if event.event == "batch_end"]
