"""Whose credentials read from AWS, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reader:
    """One view of AWS: what two readers are given for the same name need not be the same.

    Args:
        role: name of a configured role, or the ARN of one that is assumed for a request.
        region: the region that is asked.

    """

    role: str
    region: str
