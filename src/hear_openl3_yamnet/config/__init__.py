"""What a model is asked to be: presets, options, and the sizes that follow from them."""
