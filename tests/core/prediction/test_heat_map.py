import numpy as np
import pytest

from core.prediction.saliency_checks import HeatMap, heat_at
from core.runtime.paddle import F, paddle


@pytest.mark.parametrize("shape", [(60, 91), (7, 200), (33, 8)])
def test_heat_is_bilinear_at_the_films_own_resolution(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).random((7, 5), np.float32)
    wanted = F.interpolate(
        paddle.to_tensor(values[None, None]), size=list(shape), mode="bilinear", align_corners=False
    )
    assert heat_at(values, shape).shape == shape
    np.testing.assert_allclose(heat_at(values, shape), wanted.numpy()[0, 0], atol=1e-5)


def test_a_map_over_the_square_is_stretched_back_over_the_film() -> None:
    values = np.zeros((4, 4), np.float32)
    values[0, 3] = 1
    heat = heat_at(values, (40, 400))
    assert heat[:10, 300:].mean() > 5 * heat[10:].mean()
    assert heat[0, -1] == pytest.approx(1)


def test_a_level_map_stays_level_at_any_size() -> None:
    for shape in [(1, 1), (3, 2), (500, 300)]:
        np.testing.assert_allclose(heat_at(np.full((3, 3), 0.25), shape), 0.25)


def test_heat_is_what_speaks_for_the_class_in_parts_of_the_strongest() -> None:
    heat = HeatMap.of(np.array([[-3.0, 1.0], [0.0, 4.0]]), 2, "cam")
    assert heat.values.tolist() == [[0, 0.25], [0, 1]]
    assert (heat.label, heat.method) == (2, "cam")
    assert heat.values.dtype == np.float32


def test_where_nothing_speaks_for_the_class_there_is_no_heat() -> None:
    assert not HeatMap.of(np.full((3, 3), -1.0), 0, "occlusion").values.any()
