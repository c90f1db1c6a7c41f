"""A second implementation of every op, by loops and the textbook formula, written apart."""

import math

import numpy as np


def matmul(a, b, transpose_a=False, transpose_b=False):
    a = np.swapaxes(a, -1, -2) if transpose_a else a
    b = np.swapaxes(b, -1, -2) if transpose_b else b
    y = np.zeros((*a.shape[:-1], b.shape[-1]))
    for lead in np.ndindex(*a.shape[:-2]):
        for i in range(a.shape[-2]):
            for j in range(b.shape[-1]):
                y[(*lead, i, j)] = math.fsum(
                    a[(*lead, i, k)] * b[(*lead, k, j)] for k in range(a.shape[-1])
                )
    return y


def add_bias(x, b, axis=1, function="linear"):
    y = x.copy()
    for index in np.ndindex(x.shape):
        y[index] += b[index[axis]]
    return activate(y, function)


def conv2d(x, w, stride=(1, 1), padding=(0, 0)):
    batch, channels, height, width = x.shape
    filters, _, size_h, size_w = w.shape
    u = (height + 2 * padding[0] - size_h) // stride[0] + 1
    v = (width + 2 * padding[1] - size_w) // stride[1] + 1
    y = np.zeros((batch, filters, u, v))
    for n, f, row, col in np.ndindex(y.shape):
        for c, i, j in np.ndindex(channels, size_h, size_w):
            at_row = row * stride[0] + i - padding[0]
            at_col = col * stride[1] + j - padding[1]
            if 0 <= at_row < height and 0 <= at_col < width:
                y[n, f, row, col] += w[f, c, i, j] * x[n, c, at_row, at_col]
    return y


FORMULAS = {
    "scaled_relu": lambda v: max(0.0, 1.1 * v),
    "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
    "tanh": math.tanh,
    "softplus": lambda v: math.log(1 + math.exp(v)),
    "leaky_relu": lambda v: v if v >= 0 else 0.1 * v,
    "linear": lambda v: v,
    "plain_relu": lambda v: max(0.0, v),
    "gelu": lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2,
    "gelu_tanh": lambda v: v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) / 2,
    "silu": lambda v: v / (1 + math.exp(-v)),
    "elu": lambda v: v if v > 0 else math.exp(v) - 1,
}


def activate(x, function="linear"):
    return np.vectorize(FORMULAS[function], otypes=[float])(x)


def pool2d(x, reduce, kernel, stride, padding):
    """Reduce the numbers of each window that lie in the image."""
    u, v = ((x.shape[2 + i] + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i in range(2))
    y = np.zeros((*x.shape[:2], u, v))
    for n, c, row, col in np.ndindex(y.shape):
        top, left = row * stride[0] - padding[0], col * stride[1] - padding[1]
        y[n, c, row, col] = reduce(
            x[n, c, i, j]
            for i in range(max(top, 0), min(top + kernel[0], x.shape[2]))
            for j in range(max(left, 0), min(left + kernel[1], x.shape[3]))
        )
    return y


def max_pool2d(x, kernel=(1, 1), stride=(1, 1), padding=(0, 0)):
    return pool2d(x, max, kernel, stride, padding)


def avg_pool2d(x, kernel=(1, 1), stride=(1, 1), padding=(0, 0)):
    return pool2d(x, math.fsum, kernel, stride, padding) / (kernel[0] * kernel[1])


def softmax(x, temperature=1.0, causal=False):
    y = np.zeros_like(x)
    for lead in np.ndindex(*x.shape[:-1]):
        seen = lead[-1] + 1 + x.shape[-1] - x.shape[-2] if causal else x.shape[-1]
        powers = [math.exp(v / temperature) for v in x[lead][:seen]]
        y[lead][:seen] = [p / math.fsum(powers) for p in powers]
    return y


def transpose(x, axes):
    y = np.zeros([x.shape[a] for a in axes])
    for index in np.ndindex(y.shape):
        source = [0] * x.ndim
        for place, axis in enumerate(axes):
            source[axis] = index[place]
        y[index] = x[tuple(source)]
    return y


def concat(*parts, axis):
    pieces = [row for part in parts for row in np.moveaxis(part, axis, 0)]
    return np.moveaxis(np.array(pieces), 0, axis)


def slice_axis(x, axis, start, size):
    return np.take(x, range(start, start + size), axis=axis)


def pad_axis(x, axis, start, size):
    before, after = list(x.shape), list(x.shape)
    before[axis], after[axis] = start, size - start - x.shape[axis]
    return np.concatenate([np.zeros(before), x, np.zeros(after)], axis=axis)


def permute_columns(x, order):
    return np.stack([x[..., column] for column in order], axis=-1)


def layer_norm(x, epsilon=1e-5):
    y = np.zeros_like(x)
    for lead in np.ndindex(*x.shape[:-1]):
        row = list(x[lead])
        mean = math.fsum(row) / len(row)
        variance = math.fsum((v - mean) ** 2 for v in row) / len(row)
        y[lead] = [(v - mean) / math.sqrt(variance + epsilon) for v in row]
    return y


def rms_norm(x, epsilon=1e-5):
    y = np.zeros_like(x)
    for lead in np.ndindex(*x.shape[:-1]):
        square = math.fsum(v * v for v in x[lead]) / x.shape[-1]
        y[lead] = [v / math.sqrt(square + epsilon) for v in x[lead]]
    return y


def batch_norm(x, axis=1, epsilon=1e-5):
    return batch_norm_with_moments(x, axis, epsilon)[0]


def batch_norm_with_moments(x, axis=1, epsilon=1e-5):
    y = np.zeros_like(x)
    r, means, variances = np.zeros((3, x.shape[axis]))
    for c in range(x.shape[axis]):
        cells = [index for index in np.ndindex(x.shape) if index[axis] == c]
        mean = math.fsum(x[index] for index in cells) / len(cells)
        squares = math.fsum((x[index] - mean) ** 2 for index in cells)
        deviation = math.sqrt(squares / len(cells) + epsilon)
        for index in cells:
            y[index] = (x[index] - mean) / deviation
        r[c], means[c], variances[c] = 1 / deviation, mean, squares / max(len(cells) - 1, 1)
    return y, r, means, variances


def rnn_scan(u, w):
    h = np.zeros(u.shape)
    for n, t, k in np.ndindex(u.shape):  # ndindex runs over time before the next sample
        carried = sum(w[k, j] * h[n, t - 1, j] for j in range(len(w))) if t else 0.0
        h[n, t, k] = math.tanh(u[n, t, k] + carried)
    return h


def lstm_scan(u, w):
    width = w.shape[1]
    h, c = np.zeros((*u.shape[:2], width)), np.zeros((*u.shape[:2], width))
    for n, t, k in np.ndindex(h.shape):

        def gate(number, n=n, t=t, k=k):
            row = number * width + k
            carried = sum(w[row, j] * h[n, t - 1, j] for j in range(width)) if t else 0.0
            return u[n, t, row] + carried

        i, f, o = (1 / (1 + math.exp(-gate(number))) for number in (0, 1, 3))
        c[n, t, k] = f * (c[n, t - 1, k] if t else 0.0) + i * math.tanh(gate(2))
        h[n, t, k] = o * math.tanh(c[n, t, k])
    return h


def gru_scan(u, b, w):
    width = w.shape[1]
    h = np.zeros((*u.shape[:2], width))
    for n, t, k in np.ndindex(h.shape):
        before = h[n, t - 1] if t else np.zeros(width)
        carried = [math.fsum(w[gate * width + k] * before) for gate in range(3)]
        r, z = (1 / (1 + math.exp(-u[n, t, gate * width + k] - carried[gate])) for gate in (0, 1))
        new = math.tanh(u[n, t, 2 * width + k] + r * (carried[2] + b[k]))
        h[n, t, k] = (1 - z) * new + z * before[k]
    return h


def rope(x, theta=10000.0, sign=1.0):
    y = x.copy()
    width = x.shape[3]
    half = width // 2
    for n, t, head, k in np.ndindex(*x.shape[:3], half):
        angle = sign * t * theta ** (-2 * k / width)
        pair = complex(x[n, t, head, k], x[n, t, head, k + half])
        rotated = pair * complex(math.cos(angle), math.sin(angle))
        y[n, t, head, k], y[n, t, head, k + half] = rotated.real, rotated.imag
    return y


def gather_rows(table, ids):
    rows = [
        table[int(i)] if 0 <= int(i) < len(table) else np.zeros(table.shape[1]) for i in ids.ravel()
    ]
    return np.array(rows).reshape(*ids.shape, table.shape[1])


def entmax(x, alpha=1.5, temperature=1.0):
    """The defining problem: find tau by plain bisection on Python floats, row by row."""
    y = np.zeros_like(x)
    for lead in np.ndindex(*x.shape[:-1]):
        row = [(alpha - 1) * v / temperature for v in x[lead]]
        low, high = min(row) - 2.0, max(row)
        for _ in range(200):
            tau = (low + high) / 2
            total = math.fsum(max(v - tau, 0.0) ** (1 / (alpha - 1)) for v in row)
            low, high = (tau, high) if total > 1 else (low, tau)
        y[lead] = [max(v - tau, 0.0) ** (1 / (alpha - 1)) for v in row]
    return y


def loom_entmax(x, alpha=2.0):
    """Loom v0.0.7's own: the threshold counts the sum of the k largest twice."""
    y = np.zeros_like(x)
    for lead in np.ndindex(*x.shape[:-1]):
        falling = sorted(x[lead], reverse=True)
        k = 0
        while k < len(falling) and falling[k] - (sum(falling[: k + 1]) - 1) / (k + 1) > 0:
            k += 1
        tau = (2 * sum(falling[:k]) - 1) / k
        sparse = [max(0.0, v - tau) for v in x[lead]]
        if alpha == 2:
            y[lead] = sparse
            continue
        soft = softmax(x[lead][None])[0]
        mixed = [(2 - alpha) * a + (alpha - 1) * b for a, b in zip(soft, sparse, strict=True)]
        y[lead] = [v / sum(mixed) for v in mixed]
    return y


def mse(y, t):
    return math.fsum(((y - t) ** 2).ravel()) / y.size


def cross_entropy(p, t):
    return -math.fsum((t * np.log(p)).ravel()) / len(p)


def softmax_cross_entropy(z, t, temperature=1.0):
    return cross_entropy(softmax(z, temperature), t)


ORACLES = {
    "matmul": matmul,
    "add_bias": add_bias,
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "add": lambda a, b: a + b,
    "scale": lambda x, factor: x * factor,
    "div": lambda a, b: a * b**-1.0,
    "sqrt": lambda x: x**0.5,
    "sign": lambda x: x / np.abs(x),
    "activate": activate,
    "softmax": softmax,
    "mul": lambda a, b: a * b,
    "mul_channels": lambda x, g, axis=1: np.moveaxis(np.moveaxis(x, axis, -1) * g, -1, axis),
    "transpose": transpose,
    "concat": concat,
    "slice_axis": slice_axis,
    "pad_axis": pad_axis,
    "permute_columns": permute_columns,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "batch_norm": batch_norm,
    "rnn_scan": rnn_scan,
    "lstm_scan": lstm_scan,
    "gru_scan": gru_scan,
    "rope": rope,
    "gather_rows": gather_rows,
    "entmax": entmax,
    "loom_entmax": loom_entmax,
    "mse": mse,
    "cross_entropy": cross_entropy,
    "softmax_cross_entropy": softmax_cross_entropy,
}
