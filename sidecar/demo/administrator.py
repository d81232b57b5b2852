"""The emulator's administrator, who makes what the demo needs at AWS."""

import json
import os
import ssl
import urllib.request

import boto3

_ANSWER_SECONDS = 5


def administrator(endpoint_url: str) -> boto3.session.Session:
    """Ask an emulator for its administrator's key.

    Raises:
        OSError: the emulator cannot be reached.

    """
    url = f"{endpoint_url}/_emulator/admin"
    # urllib knows nothing of the variable by which boto3 is told whom to trust.
    bundle = os.environ.get("AWS_CA_BUNDLE")
    trust = ssl.create_default_context(cafile=bundle) if url.startswith("https:") else None
    with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS, context=trust) as response:  # noqa: S310 - the user's own address
        held = json.load(response)
    return boto3.session.Session(
        aws_access_key_id=held["AccessKeyId"],
        aws_secret_access_key=held["SecretAccessKey"],
        region_name=held["Region"],
    )
