"""What the aws-api door answers itself, what it passes on, and in which words it refuses."""
