"""Cases of products and convolutions beyond the tiles and blocks of the WebGPU kernels."""

from tests.support.op_cases import OpCase, products


def _convolution(
    x: tuple[int, ...], w: tuple[int, ...], stride: tuple[int, int], padding: tuple[int, int]
) -> OpCase:
    return OpCase("conv2d", (x, w), {"stride": stride, "padding": padding})


BEYOND_TILES = [
    *products(1, 300, 70),  # one row, a cut depth
    *products(70, 300, 1),
    *products(129, 65, 131),  # just above tiles, not divisible by 4
    *products(128, 64, 132),  # by vectors
    *products(16, 1030, 12, 1),  # a weight gradient
    *products(17, 16, 33, 3, 2),
    *products(64, 32, 64, 4),
    *products(65, 5, 66, 40),  # enough for the largest tiles
    *products(68, 20, 68, 32),  # the same by vectors
    products(1, 1500, 701)[0],  # long enough for steps of four depths
    products(8, 601, 256)[3],
    *products(5, 0, 3),  # an empty sum
    _convolution((3, 4, 12, 11), (9, 4, 3, 3), (1, 1), (1, 1)),
    _convolution((2, 3, 14, 15), (17, 3, 3, 2), (2, 3), (1, 0)),
    _convolution((2, 3, 9, 9), (4, 3, 2, 2), (3, 3), (0, 0)),  # cells that no kernel meets
    _convolution((2, 2, 5, 5), (3, 2, 3, 3), (1, 1), (4, 3)),  # a border wider than the kernel
    _convolution((1, 8, 1, 40), (8, 8, 1, 5), (1, 2), (0, 2)),  # over one axis
    _convolution((9, 1, 28, 28), (8, 1, 3, 3), (1, 1), (1, 1)),
    _convolution((64, 2, 10, 10), (33, 2, 2, 2), (1, 1), (0, 0)),  # the largest tiles
    OpCase("add_bias", ((33, 130), (130,)), {"axis": 1, "function": "tanh"}),
    OpCase("add_bias", ((3, 5, 30, 31), (5,)), {"axis": 1, "function": "scaled_relu"}),
    OpCase("sum_to_axis", ((1000, 3),), {"axis": 1}),
    OpCase("sum_to_axis", ((40, 3, 90),), {"axis": 1}),
    OpCase("sum_to_axis", ((70, 40),), {"axis": 0}),
]
