import numpy as np
import pytest

from core.audit.confounder import Property, find_confounder, shortcut_scores


def noise(n, n_groups, seed, n_classes=3):
    """Labels and groups of films in random order, and four properties that know nothing."""
    random = np.random.default_rng(seed)
    groups = random.permutation(np.arange(n) % n_groups)
    labels = (np.arange(n_groups) % n_classes)[groups]
    properties = tuple(Property(f"noise {k}", random.normal(size=n)) for k in range(3))
    colour = Property("colour", random.integers(0, 3, n).astype(float), is_category=True)
    return (*properties, colour), labels, groups


def test_properties_that_know_nothing_have_an_area_near_a_half():
    areas, n_held, n_intervals = [], 0, 0
    for seed in range(4):
        found = find_confounder(*noise(240, 90, seed), 3, seed)
        areas += [each.auroc for each in found.classes]
        n_held += sum(each.low <= 0.5 <= each.high for each in found.classes)
        n_intervals += len(found.classes)

    assert np.mean(areas) == pytest.approx(0.5, abs=0.04)
    assert max(areas) < 0.7
    assert n_held >= 0.7 * n_intervals


def test_what_only_names_the_patient_does_not_name_the_class():
    # A brightness of its own for each patient: a random split of films would have learnt it.
    areas = []
    for seed in range(3):
        properties, labels, groups = noise(300, 30, seed)
        of_patient = np.random.default_rng(seed).normal(size=30)[groups]
        found = find_confounder((*properties, Property("patient", of_patient)), labels, groups, 3)
        areas += [each.auroc for each in found.classes]

    assert np.mean(areas) < 0.6


def test_a_property_that_gives_a_class_away_is_named_first():
    properties, labels, groups = noise(240, 90, 0)
    width = Property("width", np.where(labels == 1, 640.0, 1024.0))

    found = find_confounder((*properties, width), labels, groups, 3)

    assert found.worst.label == 1
    assert found.worst.auroc > 0.99
    assert found.worst.low > 0.95
    assert found.properties[0][0] == "width"
    assert found.properties[0][1] > 0.99
    assert max(area for _, area in found.properties[1:]) < 0.7


def test_a_rare_value_among_equal_ones_is_seen_on_either_side():
    # Nine in ten films have 1024 pixels, so every quantile is 1024.
    _, labels, groups = noise(300, 150, 0, n_classes=2)
    width = np.full(300, 1024.0)
    odd = np.flatnonzero(labels == 1)[:30]
    width[odd[::2]], width[odd[1::2]] = 900, 1100

    found = find_confounder((Property("width", width),), labels, groups, 2)

    assert found.worst.auroc == pytest.approx(0.6, abs=0.05)  # 30 of 150 films
    assert found.worst.p_value < 0.05


def test_unknown_values_are_a_value_of_their_own():
    properties, labels, groups = noise(240, 90, 0)
    quality = Property("quality", np.where(labels == 2, np.nan, 75.0))

    found = find_confounder((*properties, quality), labels, groups, 3)

    assert found.worst.label == 2
    assert found.worst.auroc > 0.99


def test_a_category_is_not_taken_for_a_number():
    _, labels, groups = noise(240, 90, 0, n_classes=2)
    codes = np.random.default_rng(1).integers(0, 2, 240)
    # Class 1 has the categories in the middle.
    code = Property("format", np.where(labels == 1, 1 + codes, 3 * codes).astype(float), True)

    assert find_confounder((code,), labels, groups, 2).worst.auroc > 0.99


def test_a_constant_property_says_exactly_nothing():
    _, labels, groups = noise(240, 90, 0)

    found = find_confounder((Property("bits", np.full(240, 8.0)),), labels, groups, 3)

    assert [each.auroc for each in found.classes] == [0.5, 0.5, 0.5]
    assert [pair.auroc for pair in found.pairs] == [0.5, 0.5, 0.5]
    assert found.worst.p_value > 0.9


def test_examples_are_the_clearest_films_one_of_each_patient():
    properties, labels, groups = noise(240, 90, 0)
    width = Property("width", np.where(labels == 1, 640.0, 1024.0))

    found = find_confounder((*properties, width), labels, groups, 3)

    assert len(found.examples) == len(found.counter_examples) == 6
    assert set(labels[list(found.examples)]) == {1}
    assert 1 not in labels[list(found.counter_examples)]
    assert len(set(groups[list(found.examples)])) == 6


def test_the_same_seed_gives_the_same_numbers():
    data = noise(240, 90, 0)

    assert find_confounder(*data, 3, 5) == find_confounder(*data, 3, 5)


def test_classes_with_too_few_films_are_left_out():
    properties, labels, groups = noise(240, 90, 0)
    labels[np.flatnonzero(labels == 0)[19:]] = 1

    found = find_confounder(properties, labels, groups, 5)

    assert [each.label for each in found.classes] == [1, 2]


def test_classes_with_too_few_patients_are_left_out():
    properties, labels, groups = noise(240, 90, 0)
    groups[labels == 2] = 1000 + np.arange((labels == 2).sum()) % 4

    found = find_confounder(properties, labels, groups, 3)

    assert [each.label for each in found.classes] == [0, 1]


def test_one_class_alone_has_no_confounder():
    properties, _, groups = noise(240, 90, 0)

    assert find_confounder(properties, np.zeros(240, np.int64), groups, 1) is None


def test_only_the_largest_of_many_classes_are_examined():
    properties, labels, groups = noise(900, 300, 0, n_classes=30)

    found = find_confounder(properties[:1], labels, groups, 1000)

    assert len(found.classes) == 20


def test_one_property_tells_as_much_as_a_regression_on_it_alone():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.preprocessing import OneHotEncoder

    random = np.random.default_rng(0)
    codes, labels = random.integers(0, 6, 600).astype(float), random.integers(0, 2, 600)
    labels[codes < 2] = random.random(int((codes < 2).sum())) < 0.8

    found = find_confounder((Property("format", codes, True),), labels, np.arange(600), 2)

    columns = OneHotEncoder().fit_transform(codes[:, None])
    scores = cross_val_predict(LogisticRegression(), columns, labels, method="decision_function")
    assert found.properties[0][1] == pytest.approx(roc_auc_score(labels, scores), abs=0.02)
    assert found.worst.auroc == pytest.approx(roc_auc_score(labels, scores), abs=0.02)


def test_numbers_that_tell_only_together_are_found():
    properties, labels, groups = noise(240, 90, 0)
    cells = np.random.default_rng(1).normal(size=(240, 8))
    cells += 0.8 * (labels == 1)[:, None]

    found = find_confounder((*properties, Property("frame", cells)), labels, groups, 3)

    assert found.properties[0][0] == "frame"
    assert found.worst.label == 1
    assert found.worst.auroc > 0.85
    assert found.worst.p_value < 0.01
    beyond_chance = {(one.one, one.other) for one in found.pairs if one.p_value < 0.05}
    assert beyond_chance == {(0, 1), (1, 2)}


@pytest.mark.parametrize("n_classes", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_random_labels_are_rarely_beyond_chance_however_many_classes(n_classes):
    found = []
    for seed in range(6):
        properties, labels, groups = noise(20 * n_classes, 15 * n_classes, seed, n_classes)
        found.append(find_confounder(properties, labels, groups, n_classes, seed))
    found = [one for one in found if one is not None]

    assert len(found) >= 3
    assert sum(one.worst.p_value < 0.05 for one in found) <= 1
    for one in found:
        assert (one.worst.low > 0.5) <= (one.worst.p_value < 0.05)
        assert all(each.high >= 0.5 for each in one.classes)


def test_a_small_class_does_not_hide_the_shortcut_of_a_large_one():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [200, 200, 20])
    shifted = random.normal(size=420) + 0.5 * (labels == 0)

    found = find_confounder((Property("width", shifted),), labels, np.arange(420), 3)

    assert found.worst.label == 0 or found.classes[0].p_value < 0.05


def test_shortcut_scores_have_the_area_of_the_confounder():
    properties, labels, groups = noise(240, 90, 0)
    marks = np.random.default_rng(1).normal(size=240) + 2.0 * (labels == 1)
    given = (*properties, Property("letters", marks))
    few = np.append(labels, 3)  # a class of one X-ray
    more = tuple(Property(p.name, np.append(p.values, 0.0), p.is_category) for p in given)
    scores = shortcut_scores(more, few, np.append(groups, 999), 4)
    found = find_confounder(given, labels, groups, 3)
    area = next(one.auroc for one in found.classes if one.label == 1)
    assert scores[:-1][labels == 1, 1].mean() == pytest.approx(area, abs=0.05)
    assert scores[:-1][labels != 1, 1].mean() == pytest.approx(0.5, abs=0.01)
    assert np.isnan(scores[-1]).all()
    assert np.isnan(scores[:, 3]).all()
