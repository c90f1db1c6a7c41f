"""What functions with several results give back; JavaScript gets plain objects of handles."""

from __future__ import annotations

from dataclasses import dataclass

from loom_core.generic.tensor import Tensor
from loom_core.public import result_record


@result_record
@dataclass
class ActivatedOutput:
    """Output of a layer with an activation function.

    Args:
        pre_activation: Before the activation; the Backward function wants it.
        post_activation: After it: the layer's output.
    """

    pre_activation: Tensor
    post_activation: Tensor


@result_record
@dataclass
class GenericBackwardResult:
    """Gradients of a layer with one kernel and one bias.

    Args:
        grad_input: Of the input.
        kernel_grads: Of the kernel.
        bias_grads: Of the bias.
    """

    grad_input: Tensor
    kernel_grads: Tensor
    bias_grads: Tensor


@result_record
@dataclass
class NormGradients:
    """Gradients of a norm.

    Args:
        grad_input: Of the input, and equally of the residual.
        grad_gamma: Of the gain.
        grad_beta: Of the bias; null for RMSNorm, which has none.
    """

    grad_input: Tensor
    grad_gamma: Tensor
    grad_beta: Tensor | None


@result_record
@dataclass
class SwiGLUGradients:
    """Gradients of SwiGLU.

    Args:
        grad_input: Of the input, (T, D).
        grad_gate_weights: (D, M).
        grad_up_weights: (D, M).
        grad_down_weights: (M, D).
        grad_gate_bias: (M).
        grad_up_bias: (M).
        grad_down_bias: (D).
    """

    grad_input: Tensor
    grad_gate_weights: Tensor
    grad_up_weights: Tensor
    grad_down_weights: Tensor
    grad_gate_bias: Tensor
    grad_up_bias: Tensor
    grad_down_bias: Tensor


@result_record
@dataclass
class ResidualGradients:
    """Gradients of a sum: of both its inputs.

    Args:
        grad_input: Of the input.
        grad_skip: Of the value that was added.
    """

    grad_input: Tensor
    grad_skip: Tensor
