"""Which address a service has in a region."""

import botocore.exceptions
import botocore.session


def service_endpoint(service: str, region: str) -> str:
    """Look up a service's own endpoint in botocore's data, right for every partition.

    Raises:
        ValueError: botocore knows no such service, or no partition with such a region.

    """
    session = botocore.session.get_session()
    try:
        session.get_partition_for_region(region)
        # A client knows its endpoint. The keys keep botocore from looking for some on the network.
        client = session.create_client(
            service,
            region_name=region,
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - signs nothing
        )
    except botocore.exceptions.BotoCoreError as exc:
        raise ValueError(f"no endpoint of {service} is known in region {region!r}") from exc
    endpoint: str = client.meta.endpoint_url
    return endpoint
