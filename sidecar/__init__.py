"""Temporary AWS credentials and cached secrets over localhost, for unmodified apps."""

__version__ = "0.1.0"
