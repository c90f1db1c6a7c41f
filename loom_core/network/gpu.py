"""What a network does on a GPU when it is told to: ForwardGPU, BackwardGPU and the like."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from loom_core.arrays import F32, FloatData, to_float32
from loom_core.backends.webgpu_backend import WebGpuBackend, open_backend
from loom_core.cooperative import Cooperative, Wait
from loom_core.errors import BackendError, SpecError
from loom_core.public import public, result_record
from loom_core.running import NetworkGrid
from loom_core.train.backward import gradient_steps

WORKGROUP = 64
"""Invocations in a group of the elementwise kernels."""


@result_record
@dataclass(frozen=True)
class GPUDeviceInfo:
    """What is known of the GPU device of a network.

    Args:
        device: Its name, as the graphics driver says it.
        queue: Name of the queue; a device has one.
        workgroup_x: Invocations in a group of the elementwise kernels.
        software: Whether the driver computes on a CPU.
        memory_bytes: Bytes of all buffers on it, of all networks.
        transfers: Reads from it to the host so far, of all networks.
    """

    device: str
    queue: str
    workgroup_x: int
    software: bool
    memory_bytes: int
    transfers: int


class Gpu(NetworkGrid):
    """Methods that run on a GPU, whatever backend the network has otherwise.

    The weights lie in the layers' own arrays on every backend. Before a run on the GPU, changes of
    these arrays are written to it; at the end of each call, its changes are copied back.
    """

    _gpu_input: F32 | None = None

    @public("InitGPU")
    @Cooperative
    def init_gpu(self) -> Generator[Wait, None, None]:
        """Make a GPU ready; all networks share one.

        A network on the backend ``"auto"`` may train there from now on, if a measurement shows that
        it is faster.

        Raises:
            BackendError: There is no WebGPU here, no adapter, or the package wgpu is missing.
            BusyError: The network is training.
        """
        self.control.require_idle("start the GPU")
        backend = yield from open_backend()
        yield from self.programs.settle()
        self.adopt_gpu(backend)

    @public("ReleaseGPU")
    @Cooperative
    def release_gpu(self) -> Generator[Wait, None, None]:
        """Free the network's memory on the GPU; the last network that does so closes the GPU.

        The weights are copied back first. A network on the backend ``"webgpu"`` continues with
        ``"auto"``. Without a GPU nothing happens.

        Raises:
            BusyError: The network is training.
        """
        self.control.require_idle("release the GPU")
        yield from self.programs.settle()
        self.adopt_gpu(None)
        self._gpu_input = None

    @public("ForwardGPU")
    @Cooperative
    def forward_gpu(self, input: FloatData) -> Generator[Wait, None, F32]:
        """Return the network's output for one sample or a batch, computed on the GPU.

        Args:
            input: As for ForwardCPU.

        Returns:
            As ForwardCPU.

        Raises:
            BackendError: InitGPU was not called, the device was lost, or is too small.
            ShapeError: The length is not a whole number of samples.
            SpecError: The input holds anything but numbers.
        """
        data = to_float32(input, "the input")
        backend = self._require_gpu()
        self.complete_sizes()
        x = data.reshape(self.split_batch(data, "the input"))
        self._gpu_input = x.copy()
        output = yield from self.forward_steps(x, backend)
        return output if data.ndim > 1 else output.reshape(-1)

    @public("BackwardGPU")
    @Cooperative
    def backward_gpu(self, grad_output: FloatData) -> Generator[Wait, None, F32]:
        """Return the gradient with respect to the input of the last ForwardGPU.

        The weights' gradients are added up as BackwardCPU does, on the GPU.

        Args:
            grad_output: As for BackwardCPU.

        Returns:
            As BackwardCPU.

        Raises:
            BackendError: As ForwardGPU.
            SpecError: There was no ForwardGPU before.
            ShapeError: ``grad_output`` has another size than the output.
            BusyError: The network is training.
        """
        self.control.require_idle("run backward")
        seed = to_float32(grad_output, "the gradient of the output")
        backend = self._require_gpu()
        if self._gpu_input is None:
            raise SpecError(
                "there is no forward pass to go back through", hint="Call ForwardGPU first."
            )
        dx = yield from gradient_steps(self, self._gpu_input, seed, backend)
        return dx if seed.ndim > 1 else dx.reshape(-1)

    @public("GetGPUDeviceInfo")
    def gpu_device_info(self) -> GPUDeviceInfo:
        """Return what is known of the GPU.

        Raises:
            BackendError: InitGPU was not called.
        """
        device = self._require_gpu().device
        return GPUDeviceInfo(
            device=device.name,
            queue="default",
            workgroup_x=WORKGROUP,
            software=device.adapter.software,
            memory_bytes=device.memory_bytes,
            transfers=device.transfers,
        )

    def _require_gpu(self) -> WebGpuBackend:
        if self.gpu is None and isinstance(self._choice.backend, WebGpuBackend):
            self.gpu = self._choice.backend
        if self.gpu is None:
            raise BackendError("the network has no GPU", hint="Call InitGPU first.")
        self.gpu.device.require_alive()
        return self.gpu
