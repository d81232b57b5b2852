"""The doors: one file each, with the guards that they share."""
