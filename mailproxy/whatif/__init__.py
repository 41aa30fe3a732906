"""What other rules would have done: captured sessions go through the live proxy's own session."""
