"""Models as parts of other libraries: Keras and scikit-learn."""
