"""The configuration: one table of options from which loading, help and reference are made."""
