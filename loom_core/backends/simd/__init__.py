"""The kernels: one C library for WebAssembly SIMD and natively, its records, and its loading."""
