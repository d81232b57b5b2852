"""Secrets for programs that know nothing of AWS: references, templates and files."""
