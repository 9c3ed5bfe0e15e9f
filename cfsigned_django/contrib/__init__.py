"""What works with one other library each: import the module, and install its extra."""
