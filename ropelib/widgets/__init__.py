"""Interactive figures that answer in the browser."""
