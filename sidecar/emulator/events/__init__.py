"""Events: what CloudTrail would tell, a bus with rules, and deliveries that really happen."""
