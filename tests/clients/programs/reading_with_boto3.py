"""Print a secret, then a parameter, through boto3: no key, no profile, no endpoint in it."""
# ruff: noqa: T201 - what it prints is its result

import sys

import boto3

secret, parameter = sys.argv[1:]
print(boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
print(boto3.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"])
