"""Public functions that the documents have beside the objects."""
