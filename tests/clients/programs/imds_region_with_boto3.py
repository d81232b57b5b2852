"""Print the region that botocore learns from IMDS, and who AWS takes the caller for."""
# ruff: noqa: T201 - what it prints is its result

import boto3
from botocore.session import get_session
from botocore.utils import IMDSRegionProvider

region = IMDSRegionProvider(get_session()).provide()
print(region)
print(boto3.client("sts", region_name=region).get_caller_identity()["Arn"])
