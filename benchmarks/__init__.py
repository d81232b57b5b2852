"""Measurements and simulations, with what they print kept in docs/."""
