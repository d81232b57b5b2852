"""Fixtures for provisioning: an account at the emulator, and calls that can die."""
