"""Who is asking, and what that app may have."""
