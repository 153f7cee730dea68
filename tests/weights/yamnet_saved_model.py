"""Write a YAMNet SavedModel as the published one is made: a `tf.Module` around Keras 2.

It runs in a separate process, to keep Keras 2 (tf-keras, which tensorflow-hub installs) and Keras 3
apart:

    python tests/weights/yamnet_saved_model.py WEIGHTS.h5 FOLDER
"""

import sys

import tensorflow as tf
import tf_keras as keras

LAYERS = [(2, 32), (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)]
LAYERS += [(1, 512)] * 5 + [(2, 1024), (1, 1024)]


def network() -> keras.Model:
    """The published network on patches, with the published names of its layers."""

    def finish(x, name):
        norm = keras.layers.BatchNormalization(scale=False, epsilon=1e-4, name=f"{name}/bn")
        return keras.layers.ReLU(name=f"{name}/relu")(norm(x))

    conv = {"padding": "same", "use_bias": False}
    patches = keras.Input((96, 64))
    x = keras.layers.Reshape((96, 64, 1))(patches)
    for i, (stride, channels) in enumerate(LAYERS, start=1):
        name = f"layer{i}"
        if i == 1:
            layer = keras.layers.Conv2D(channels, 3, stride, name=f"{name}/conv", **conv)
            x = finish(layer(x), f"{name}/conv")
            continue
        depthwise = f"{name}/depthwise_conv"
        x = keras.layers.DepthwiseConv2D(3, stride, name=depthwise, **conv)(x)
        x = finish(x, depthwise)
        pointwise = f"{name}/pointwise_conv"
        x = finish(keras.layers.Conv2D(channels, 1, name=pointwise, **conv)(x), pointwise)
    embeddings = keras.layers.GlobalAveragePooling2D()(x)
    scores = keras.layers.Dense(521, activation="sigmoid")(embeddings)
    return keras.Model(patches, [scores, embeddings])


class YAMNet(tf.Module):
    """A module that has the network as an attribute, as the published one does.

    It has no function: the weights are read without one, and tracing it takes long.
    """

    def __init__(self, weights: str) -> None:
        super().__init__()
        self._yamnet = network()
        self._yamnet.load_weights(weights)


if __name__ == "__main__":
    weights, folder = sys.argv[1:]
    tf.saved_model.save(YAMNet(weights), folder)
