"""Which address a service has in a region."""

from urllib.parse import urlsplit

import botocore.session


def service_endpoint(service: str, region: str) -> str:
    """Look up a service's own endpoint in botocore's data, right for every partition.

    Raises:
        ValueError: botocore knows no such service in that region.

    """
    resolver = botocore.session.get_session().get_component("endpoint_resolver")
    found = resolver.construct_endpoint(service, region)
    if not found:
        raise ValueError(f"no endpoint of {service} is known in region {region!r}")
    return f"https://{found['hostname']}"


def endpoint_problem(url: str) -> str | None:
    """Say what is wrong with a base URL for AWS's APIs, or None."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        return "must be http://host[:port] or https://host[:port]"
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        return "must have no path, query or user name"
    return None
