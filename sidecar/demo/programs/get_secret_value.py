"""Read a secret with boto3 and no other address than that of the environment."""

import os

import boto3

answer = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET_ID"])
print(answer["Name"], answer["VersionStages"][0], answer["SecretString"])
