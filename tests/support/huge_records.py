"""Records of sizes that no memory holds, and what their kernels ask for; none is ever run."""

# Op, parameters, and the floats of working memory that they ask for.
HUGE = [
    ("conv2d", (1, 1, 2**14, 2**14, 1, 2**14, 2**14, 1, 1, 0, 0, 1, 1), 2**28 * 10 + 8),
    ("conv2d", (1, 1, 1, 1, 1, 1, 1, 1, 1, 46341, 46341, 1, 1), 92683**2),
    ("conv2d_dw", (1, 1, 1, 2**28, 1, 1, 1, 1, 1, 0, 0, 1, 2**28), 2**28 * 10),
    ("conv2d_dx", (1, 2**15, 2**15, 1, 1, 1, 1, 1, 1, 0, 2**15, 1, 1), 2**30 * (2**16 + 1)),
    ("entmax", (1, 2**31 - 1, 0.5, 1.0), 2**32 - 2),
    ("loom_entmax_dx", (1, 2**30, 1.5), 2**31),
    ("rnn_scan", (1, 1, 2**17, 2**17), 2**34 + 3 * 2**17),
    ("lstm_scan_du", (2**27, 1, 3, 12), 8 * 16 + 2**27 * 18),
    ("matmul", (1, 2**30, 2**30, 2**30, 0, 0), (48 + 1024) * 256),
]
