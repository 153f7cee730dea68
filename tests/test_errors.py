"""The errors: which are public at the top level, and what they say."""

import pytest

import hear_openl3_yamnet
from hear_openl3_yamnet import HearError, errors
from hear_openl3_yamnet.errors import BackendError, MissingExtraError, require

AT_THE_TOP = {
    "AudioError",
    "AudioFileError",
    "HearError",
    "OptionError",
    "StarterWeightsWarning",
    "WeightsFormatError",
    "WeightsNotFoundError",
}


def test_the_errors_at_the_top_level():
    names = set(hear_openl3_yamnet.__all__)
    assert {name for name in names if name.endswith(("Error", "Warning"))} == AT_THE_TOP
    for name in AT_THE_TOP:
        assert getattr(hear_openl3_yamnet, name) is getattr(errors, name)


def test_every_error_has_the_base_class_and_a_builtin_one():
    for name in errors.__all__:
        error = getattr(errors, name)
        if name.endswith("Error"):
            assert issubclass(error, HearError)
            # TensorFlow replaces a builtin error that comes out of a graph
            assert error in (HearError, BackendError) or len(error.__bases__) == 2
        else:
            assert issubclass(error, UserWarning)


def test_a_missing_extra_names_its_package_and_its_command():
    with pytest.raises(MissingExtraError, match=r"pip install \"hear-openl3-yamnet\[corpora\]\""):
        require("no_such_module", extra="corpora")
    assert require("json", extra="corpora").loads("1") == 1
