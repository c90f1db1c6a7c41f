"""The backend of tensor operations that runs anywhere: the ops of the graph, on NumPy."""

from __future__ import annotations

import math

import numpy as np

from loom_core.backends.base import Backend as PlanBackend
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.errors import NonFiniteError, ShapeError, SpecError, kind_of
from loom_core.generic.activation import activate_derivative_tensor, activate_tensor
from loom_core.generic.backend import Backend
from loom_core.generic.numeric import DTypeName, numeric_dtype
from loom_core.generic.residual import residual_forward
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph, require_tensor
from loom_core.graph.op import Value
from loom_core.public import public, public_class


@public_class
class CPUBackend(Backend):
    """Operations on tensors of one numeric type, as Backend says, run by NumPy.

    Args:
        dtype: A name, or Loom's code.

    Raises:
        SpecError: An unknown type; later, a tensor of another type.

    Source: Loom v0.0.7, backend_cpu.go; there a product of shapes that do not fit is another one.
    """

    def __init__(self, dtype: DTypeName | int = "float32") -> None:
        self._dtype = numeric_dtype(dtype)
        self._engine = NumpyBackend()

    @property
    @public("DType")
    def dtype(self) -> str:
        """The numeric type of its tensors."""
        return str(self._dtype.name)

    @property
    def engine(self) -> PlanBackend:
        """What runs the plans of layers and networks."""
        return self._engine

    @public("MatMul")
    def mat_mul(self, a: Tensor, mat: Tensor) -> Tensor:
        """Return the product (M, N) of (M, K) and (K, N).

        Raises:
            ShapeError: Not two matrices, or different K.
        """
        with TensorGraph("MatMul", self._checked(a), engine=self._engine) as graph:
            return graph.run(self._product(graph, a, mat))[0]

    @public("MatMulAdd")
    def mat_mul_add(self, a: Tensor, mat: Tensor, c: Tensor) -> Tensor:
        """Return ``a mat + c`` with c (N) for every row, or (M, N).

        Raises:
            ShapeError: Shapes that do not fit.
        """
        with TensorGraph("MatMulAdd", self._checked(a), engine=self._engine) as graph:
            y = self._product(graph, a, mat)
            if self._checked(c).size() == y.shape[1]:
                bias = graph.input(c, "c", (y.shape[1],))
                return graph.run(graph.builder.emit("add_bias", y, bias, axis=1))[0]
            return graph.run(graph.builder.emit("add", y, graph.input(c, "c", y.shape)))[0]

    def _product(self, graph: TensorGraph, a: Tensor, mat: Tensor) -> Value:
        if len(a.shape) != 2 or len(self._checked(mat).shape) != 2:
            raise ShapeError(f"a product needs two matrices, got {a.shape} and {mat.shape}")
        left, right = graph.input(a, "a", a.shape), graph.input(mat, "mat", mat.shape)
        return graph.builder.emit("matmul", left, right)

    @public("Add")
    def add(self, a: Tensor, other: Tensor) -> Tensor:
        """Return the sum of two tensors of one size, in the shape of the first.

        Raises:
            ShapeError: Tensors of different sizes.
        """
        return residual_forward(self._checked(a), self._checked(other))

    @public("Scale")
    def scale(self, t: Tensor, factor: float) -> Tensor:
        """Return each element times a number.

        Raises:
            SpecError: The factor is not a finite number.
        """
        with TensorGraph("Scale", self._checked(t), engine=self._engine) as graph:
            if isinstance(factor, bool) or not isinstance(factor, int | float | np.number):
                raise SpecError(f"factor must be a number, got {kind_of(factor)}")
            if not math.isfinite(factor):
                raise SpecError(f"factor must be finite, got {factor}")
            x = graph.input(t, "the tensor", t.shape)
            return graph.run(graph.builder.emit("scale", x, factor=float(factor)))[0]

    @public("Activate")
    def activate(self, t: Tensor, act_type: str | int) -> Tensor:
        """Return an activation function of each element."""
        return activate_tensor(self._checked(t), act_type)

    @public("ActivateDerivative")
    def activate_derivative(self, pre_act: Tensor, act_type: str | int) -> Tensor:
        """Return the derivative of an activation function at each element."""
        return activate_derivative_tensor(self._checked(pre_act), act_type)

    @public("OuterProduct")
    def outer_product(self, a: Tensor, other: Tensor) -> Tensor:
        """Return ``a[i] * other[j]``, (M, N), of M and N numbers."""
        with TensorGraph("OuterProduct", self._checked(a), engine=self._engine) as graph:
            column = graph.input(a, "a", (a.size(), 1))
            row = graph.input(other, "other", (1, self._checked(other).size()))
            return graph.run(graph.builder.emit("matmul", column, row))[0]

    @public("Sum")
    def sum(self, t: Tensor) -> float:
        """Return the sum of all elements, computed wide and not rounded to the type."""
        return self._total(t, "Sum", 1.0)

    @public("Mean")
    def mean(self, t: Tensor) -> float:
        """Return the mean of all elements, computed wide and not rounded to the type.

        Raises:
            ShapeError: There are no elements.
        """
        return self._total(t, "Mean", 1 / max(self._checked(t).size(), 1))

    def _total(self, t: Tensor, name: str, factor: float) -> float:
        with TensorGraph(name, self._checked(t), engine=self._engine) as graph:
            column = graph.input(t, "the tensor", (t.size(), 1))
            total = graph.builder.emit("sum_to_axis", column, axis=1)
            return float(graph.arrays(graph.builder.emit("scale", total, factor=factor))[0][0])

    @public("Sqrt")
    def sqrt(self, t: Tensor) -> Tensor:
        """Return the square root of each element.

        Raises:
            NonFiniteError: An element is negative or NaN.
        """
        with TensorGraph("Sqrt", self._checked(t)) as graph:
            values = t.values
            if not (values >= 0).all():
                raise NonFiniteError("a negative number or NaN has no square root")
            return graph.tensor(np.sqrt(values))

    def _checked(self, tensor: Tensor) -> Tensor:
        require_tensor(tensor, "an argument", "CPUBackend")
        if tensor.data.dtype != self._dtype:
            raise SpecError(
                f"this backend works on {self.dtype} tensors, got {tensor.dtype}",
                hint="Convert the tensor, or make a backend of its type with NewCPUBackend.",
            )
        return tensor


@public("NewCPUBackend")
def new_cpu_backend(dtype: DTypeName | int = "float32") -> CPUBackend:
    """Return a backend of tensor operations for one numeric type.

    The parameter is that of :class:`CPUBackend`.

    Raises:
        SpecError: An unknown type.
    """
    return CPUBackend(dtype)


def required_engine(backend: Backend | None, tensor: Tensor) -> PlanBackend:
    """Return what runs plans: that of the backend, which must be of the tensor's type.

    Raises:
        SpecError: The backend is none, or of another type.
    """
    if backend is None:
        return NumpyBackend()
    if not isinstance(backend, Backend):
        raise SpecError(f"backend must be a Backend, got {kind_of(backend)}")
    if backend.dtype != tensor.dtype:
        raise SpecError(f"the backend is for {backend.dtype}, but the input is {tensor.dtype}")
    return backend.engine
