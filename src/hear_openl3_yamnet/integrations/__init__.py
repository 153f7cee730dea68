"""Models inside other libraries: Keras and scikit-learn."""
