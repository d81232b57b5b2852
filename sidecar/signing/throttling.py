"""How AWS's services say that there were too many requests."""

from typing import Final

TOO_MANY_REQUESTS: Final = 429

# Codes that say so whatever the status.
THROTTLING: Final = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
