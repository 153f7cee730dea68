"""Long tests with damaged files and killed processes."""
