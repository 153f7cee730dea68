"""Other models of the HEAR API, to compare with."""
