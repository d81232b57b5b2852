"""Who was given what, and who was refused: one line a decision, and none of it a value."""
