"""The simulated championship: an invented world whose true win probabilities are known.

What the product starts on without data and without a network, and what its ratings, calibration and
intervals are tested against.
"""

from f1_pipeline.sources.simulated.build import SimulatedWorld, simulate

__all__ = ["SimulatedWorld", "simulate"]
