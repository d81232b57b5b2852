#!/usr/bin/env python3
"""Exit with 0 if a GET of the URL in the first argument answers 200: a container's health check.

It looks at no proxy variable, because the doors that it asks are on this very host.
"""

import http.client
import sys
import urllib.parse

ANSWER_SECONDS = 2.0


def status(url: str) -> int:
    """Return the HTTP status of a GET of `url`; raise OSError if nothing answers in time."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status
    finally:
        connection.close()


if __name__ == "__main__":
    try:
        answer = status(sys.argv[1])
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"probe: no answer: {sys.argv[1]}: {error}")
    if answer != http.client.OK:
        sys.exit(f"probe: status {answer}: {sys.argv[1]}")
