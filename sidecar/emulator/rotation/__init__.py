"""Rotation as Secrets Manager does it: the other side of a rotation function's four steps."""
