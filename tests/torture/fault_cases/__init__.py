"""Cases of sections I and J of the torture list; `faults.py` runs them."""
