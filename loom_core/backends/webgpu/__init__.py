"""The WebGPU backend: plans as lists of dispatches, run by a browser or by the wgpu package."""
