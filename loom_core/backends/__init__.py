"""Backends: what runs a plan. A backend knows ops, never layers."""
