"""Pure request signing: canonical requests, AWS4-X509 signatures, CreateSession's wire form."""
