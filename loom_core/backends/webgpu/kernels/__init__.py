"""What each op becomes on a GPU, one module a family of shaders."""
