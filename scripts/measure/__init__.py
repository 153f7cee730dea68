"""Speed, memory, cost and accuracy: the numbers in docs come from these scripts."""
