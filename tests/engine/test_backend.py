"""Arrays handed to the backend as they are."""

import numpy as np
import pytest

from hear_openl3_yamnet.engine.backend import aligned_empty, as_tensor

pytestmark = pytest.mark.backends


@pytest.mark.parametrize("offset", range(0, 64, 16))
def test_a_tensor_can_be_computed_with_wherever_its_array_begins(offset):
    # TensorFlow ends the process (no exception) when it slices an unaligned tensor
    room = np.empty(64 + 64 + 4 * 12, np.uint8)
    first = -room.ctypes.data % 64 + offset
    array = room[first : first + 4 * 12].view(np.float32).reshape(3, 4)
    array[...] = np.arange(12).reshape(3, 4)
    assert np.asarray(as_tensor(array)[1, :3]).tolist() == [4, 5, 6]


@pytest.mark.parametrize("shape", [(3, 5, 7), (1,), (0, 4)])
def test_what_is_allocated_for_tensors_begins_where_tensorflow_wants_it(shape):
    array = aligned_empty(shape)
    assert array.shape == shape
    assert array.dtype == np.float32
    assert array.ctypes.data % 64 == 0 or array.size == 0
    assert np.asarray(as_tensor(array)).shape == shape
