"""Notices of what happened, brought to people and programs without ever holding anything up."""
