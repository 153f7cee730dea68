"""The configuration of a model: presets, options, and the sizes that follow from them."""
