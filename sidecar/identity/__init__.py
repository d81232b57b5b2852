"""The certificate and private key that this machine proves itself with."""
