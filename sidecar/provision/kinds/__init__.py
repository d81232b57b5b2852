"""The types of AWS resources that can be made by calls, one file for each service."""
