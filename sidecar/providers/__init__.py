"""Where a role's credentials come from, and the one refreshing cache around any source."""
