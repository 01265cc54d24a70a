from pathlib import Path

from matplotlib import image

from qcrs.quantum.plot import histogram


def test_histogram_writes_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "bell.png"
    histogram(path, {0: 0.5, 3: 0.5}, {0: 480, 1: 20, 3: 500}, 2, "bell", "accepted")
    height, width, _ = image.imread(path).shape
    assert width > height > 100


def test_histogram_of_a_wide_register_is_as_wide_as_its_likeliest_outcomes(tmp_path: Path) -> None:
    wide, narrow = tmp_path / "wide.png", tmp_path / "narrow.png"
    pooled = dict.fromkeys(range(1_000), 1) | {1_023: 500}
    histogram(wide, {1_023: 1.0}, pooled, 10, "wide")
    histogram(narrow, {1: 1.0}, {1: 5}, 5, "five bits")
    assert image.imread(wide).shape[1] < image.imread(narrow).shape[1]
