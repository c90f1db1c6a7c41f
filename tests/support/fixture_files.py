"""Where the recorded numbers and models lie."""

from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures"
LOOM_MODELS = FIXTURES / "loom"
"""Models and schedules that Loom saved itself."""
