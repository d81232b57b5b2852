"""Secrets in memory: what is asked for, what is held, and one flight to AWS at a time."""
