"""What a release needs: installation checks, the site, notebooks, the example recording."""
