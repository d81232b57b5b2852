"""One program, run beside the doors: started, told, replaced, and its end handed on."""
