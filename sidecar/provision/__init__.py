"""What the sidecar needs in AWS, described once: rendered as templates, or made by calls."""
