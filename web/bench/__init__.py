"""The benchmark: Loom beside other libraries, in one run of one browser."""
