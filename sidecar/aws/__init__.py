"""The only place that talks to AWS."""
