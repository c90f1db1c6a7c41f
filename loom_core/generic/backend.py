"""Operations on whole tensors, as an interface that different hardware can offer."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from loom_core.backends.base import Backend as PlanBackend
from loom_core.generic.tensor import Tensor
from loom_core.public import public, public_class


@public_class
@runtime_checkable
class Backend(Protocol):
    """Operations on tensors of one numeric type, and what runs whole networks in it.

    Scalars are values: what a number means, not how an integer type stores it.

    Source: Loom v0.0.7, backend.go.
    """

    @property
    @public("DType")
    def dtype(self) -> str:
        """The numeric type of its tensors."""

    @property
    def engine(self) -> PlanBackend:
        """What runs the plans of layers and networks."""

    @public("MatMul")
    def mat_mul(self, a: Tensor, mat: Tensor) -> Tensor:
        """Return the product (M, N) of (M, K) and (K, N).

        Args:
            a: (M, K).
            mat: (K, N).
        """

    @public("MatMulAdd")
    def mat_mul_add(self, a: Tensor, mat: Tensor, c: Tensor) -> Tensor:
        """Return ``a mat + c`` with c (N) for every row, or (M, N).

        Args:
            a: (M, K).
            mat: (K, N).
            c: (N), added to every row, or (M, N).
        """

    @public("Add")
    def add(self, a: Tensor, other: Tensor) -> Tensor:
        """Return the sum of two tensors of one size, in the shape of the first.

        Args:
            a: Of any shape.
            other: As many elements.
        """

    @public("Scale")
    def scale(self, t: Tensor, factor: float) -> Tensor:
        """Return each element times a number.

        Args:
            t: Of any shape.
            factor: What each element is multiplied by.
        """

    @public("Activate")
    def activate(self, t: Tensor, act_type: str | int) -> Tensor:
        """Return an activation function of each element.

        Args:
            t: Of any shape.
            act_type: Name or code of the function.
        """

    @public("ActivateDerivative")
    def activate_derivative(self, pre_act: Tensor, act_type: str | int) -> Tensor:
        """Return the derivative of an activation function at each element.

        Args:
            pre_act: What went into the function, of any shape.
            act_type: Name or code of the function.
        """

    @public("OuterProduct")
    def outer_product(self, a: Tensor, other: Tensor) -> Tensor:
        """Return ``a[i] * other[j]``, (M, N), of M and N numbers.

        Args:
            a: M numbers.
            other: N numbers.
        """

    @public("Sum")
    def sum(self, t: Tensor) -> float:
        """Return the sum of all elements.

        Args:
            t: Of any shape.
        """

    @public("Mean")
    def mean(self, t: Tensor) -> float:
        """Return the mean of all elements.

        Args:
            t: Of any shape.
        """

    @public("Sqrt")
    def sqrt(self, t: Tensor) -> Tensor:
        """Return the square root of each element.

        Args:
            t: Of any shape.
        """
