"""For each value on stdin, write it to a secret and a parameter, and print what is read then."""
# ruff: noqa: T201 - what it prints is its result

import sys

import boto3

secret, parameter = sys.argv[1:]
manager, store = boto3.client("secretsmanager"), boto3.client("ssm")
for line in sys.stdin:
    value = line.strip()
    manager.put_secret_value(SecretId=secret, SecretString=value)
    store.put_parameter(Name=parameter, Value=value, Overwrite=True)
    print(
        manager.get_secret_value(SecretId=secret)["SecretString"],
        store.get_parameter(Name=parameter)["Parameter"]["Value"],
    )
