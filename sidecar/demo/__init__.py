"""The whole story on the emulator: what is set up, what runs, and the checks on it."""
