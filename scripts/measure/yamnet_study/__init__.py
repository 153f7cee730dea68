"""Why does YAMNet do so poorly? Its published weights under other heads, on real recordings."""
