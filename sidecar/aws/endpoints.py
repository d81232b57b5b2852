"""Which address a service has in a region."""

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
