"""Buckets, score and results of predictions, against hand-computed values and Loom's own file."""

import json
import math

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from loom_core import (
    DeviationMetrics,
    LimitError,
    ModelFormatError,
    NonFiniteError,
    PredictionResult,
    ShapeError,
    SpecError,
    evaluate_model,
    evaluate_prediction,
    limits,
    load_metrics,
    load_metrics_from_string,
)
from loom_core.evaluate.deviation_metrics import new_deviation_metrics
from loom_core.evaluate.prediction import BUCKET_NAMES
from tests.support.deviations import score_of
from tests.support.fixture_files import FIXTURES

LOOM_FILE = FIXTURES / "loom_deviation_metrics.json"
LOOM = json.loads(LOOM_FILE.read_text(encoding="utf-8"))

NUMBERS = st.floats(-1e6, 1e6)


def metrics_of(*deviations):
    """Metrics of predictions of 100 that miss it by these percentages."""
    return evaluate_model([100.0] * len(deviations), [100.0 + d for d in deviations])


@pytest.mark.parametrize(
    ("expected", "actual", "deviation", "bucket"),
    [
        (5, 5, 0, "0-10%"),
        (10, 11, 10, "0-10%"),  # the end of a range belongs to it
        (100, 110.5, 10.5, "10-20%"),
        (10, 8, 20, "10-20%"),
        (4, 5, 25, "20-30%"),
        (8, 5, 37.5, "30-40%"),
        (2, 3, 50, "40-50%"),
        (2, 3.5, 75, "50-100%"),
        (2, 4, 100, "50-100%"),
        (2, 5, 150, "100%+"),
        (-4, 4, 200, "100%+"),
        (0, 0.05, 5, "0-10%"),  # nothing to measure by: the distance itself
        (0, 3, 300, "100%+"),
        (1e-11, 0.5, 50, "40-50%"),
    ],
)
def test_a_deviation_is_a_percentage_of_what_was_expected(expected, actual, deviation, bucket):
    result = evaluate_prediction(7, expected, actual)
    assert result.sample_index == 7
    assert (result.expected_output, result.actual_output) == (expected, actual)
    assert result.deviation == pytest.approx(deviation)
    assert result.bucket == bucket


@pytest.mark.parametrize("actual", [math.nan, math.inf, -math.inf])
def test_a_prediction_that_is_not_finite_is_a_failure(actual):
    result = evaluate_prediction(0, 3.0, actual)
    assert result.deviation == math.inf
    assert result.bucket == "100%+"
    metrics = new_deviation_metrics()
    metrics.update_metrics(result)
    assert (metrics.failures, metrics.score, metrics.accuracy) == (1, 0.0, 0.0)
    assert metrics.average_deviation == math.inf


@pytest.mark.parametrize("expected", [math.nan, math.inf])
def test_what_is_expected_must_be_finite(expected):
    with pytest.raises(NonFiniteError, match="what is expected of sample 4"):
        evaluate_prediction(4, expected, 1.0)


def test_totals_by_hand():
    metrics = metrics_of(0, 5, -15, 25, 250)
    assert metrics.total_samples == 5
    assert metrics.score == pytest.approx((100 + 95 + 85 + 75 + 0) / 5)
    assert metrics.average_deviation == pytest.approx((0 + 5 + 15 + 25 + 250) / 5)
    assert metrics.failures == 1
    counts = {name: bucket.count for name, bucket in metrics.buckets.items()}
    assert list(counts) == list(BUCKET_NAMES)
    assert list(counts.values()) == [2, 1, 1, 0, 0, 0, 1]
    assert metrics.get_samples_in_bucket("0-10%") == [0, 1]
    assert metrics.get_samples_in_bucket("100%+") == [4]
    assert metrics.buckets["100%+"].range_max == math.inf
    assert [r.sample_index for r in metrics.get_worst_samples(2)] == [4, 3]
    assert [r.sample_index for r in metrics.get_worst_samples(99)] == [4, 3, 2, 1, 0]
    assert metrics.get_worst_samples(0) == []


def test_the_score_is_final_at_any_time_and_final_metrics_change_nothing():
    metrics = DeviationMetrics()
    assert (metrics.score, metrics.average_deviation, metrics.accuracy) == (0.0, 0.0, None)
    for deviation in (10, 20, 60):
        metrics.update_metrics(evaluate_prediction(0, 100, 100 + deviation))
    assert metrics.score == pytest.approx(70)
    for _ in range(3):
        metrics.compute_final_metrics()
        assert metrics.score == pytest.approx(70)
        assert metrics.average_deviation == pytest.approx(30)
    metrics.reset()
    assert metrics.total_samples == 0
    assert all(bucket.count == 0 for bucket in metrics.buckets.values())


def test_accuracy_counts_whole_numbers_and_is_none_for_a_regression():
    classes = evaluate_model([0, 1, 2, 2, 5], [0, 2, 2, 2, 4])
    assert classes.correct_count == 3
    assert classes.accuracy == pytest.approx(0.6)
    assert classes.score == pytest.approx((100 + 0 + 100 + 100 + 80) / 5)  # not what one is after
    chances = evaluate_model([0, 1, 1, 0], [0.1, 0.8, 0.4, 0.6])
    assert chances.accuracy == 0.5
    assert evaluate_model([0.5, 1], [0.5, 1]).accuracy is None


def test_an_output_of_several_numbers_is_measured_as_a_vector():
    metrics = DeviationMetrics()
    metrics.update([0.6, 0.8], [0.6, 0.8])
    metrics.update([1.0, 0.0], [0.0, 1.0])
    metrics.update(np.array([0.3, 0.1, 0.6], np.float32), 2)
    metrics.update([[3.0, 4.0]], [0.0, 0.0])
    right, swapped, by_class, nothing = metrics.results
    assert (right.deviation, right.expected_output, right.actual_output) == (0, 1, 1)
    assert swapped.deviation == pytest.approx(100 * math.sqrt(2))
    assert (swapped.expected_output, swapped.actual_output) == (1, 0)
    assert by_class.deviation == pytest.approx(100 * math.sqrt(0.09 + 0.01 + 0.16), rel=1e-6)
    assert by_class.correct
    assert nothing.deviation == pytest.approx(500)
    assert metrics.correct_count == 2
    assert [result.sample_index for result in metrics.results] == [0, 1, 2, 3]


def test_an_output_with_nan_predicts_nothing():
    metrics = DeviationMetrics()
    metrics.update([math.nan, 0.2, 0.7], [0, 0, 1])
    (result,) = metrics.results
    assert math.isnan(result.actual_output)
    assert (result.deviation, metrics.failures, metrics.accuracy) == (math.inf, 1, 0.0)


@given(NUMBERS, NUMBERS)
def test_one_number_is_measured_the_same_as_a_vector(expected, actual):
    metrics = DeviationMetrics()
    metrics.update([actual], [expected])
    assert metrics.results == [evaluate_prediction(0, expected, actual)]


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=40))
def test_buckets_share_out_the_samples(pairs):
    metrics = evaluate_model([e for e, _ in pairs], [a for _, a in pairs])
    shared = [index for bucket in metrics.buckets.values() for index in bucket.samples]
    assert sorted(shared) == list(range(len(pairs)))
    for name, bucket in metrics.buckets.items():
        assert bucket.count == len(bucket.samples)
        for index in bucket.samples:
            result = metrics.results[index]
            assert result.bucket == name
            above = result.deviation > bucket.range_min or bucket.range_min == 0
            assert above
            assert result.deviation <= bucket.range_max
    assert metrics.score == pytest.approx(score_of([r.deviation for r in metrics.results]))
    assert metrics.failures == sum(result.deviation > 100 for result in metrics.results)
    worst = [result.deviation for result in metrics.get_worst_samples(len(pairs))]
    assert worst == sorted(worst, reverse=True)


@example([(0.0, 1e7)])  # a deviation of just 1e9, as infinity is written
@example([(-1.0, 1.7e308)])
@given(st.lists(st.tuples(NUMBERS, st.floats()), max_size=20))
def test_metrics_survive_their_json(pairs):
    metrics = evaluate_model([e for e, _ in pairs], [a for _, a in pairs])
    text = metrics.save_metrics_to_string()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    loaded = load_metrics_from_string(text)
    assert loaded.save_metrics_to_string() == text
    assert str(loaded) == str(metrics) or any(math.isinf(a) for _, a in pairs)


def test_deviations_whose_sum_is_no_float_have_an_infinite_mean():
    metrics = evaluate_model([1, 1], [1.7e306, 1.7e306])
    assert math.isfinite(metrics.results[0].deviation)
    assert metrics.average_deviation == math.inf
    assert load_metrics_from_string(metrics.save_metrics_to_string()).failures == 2


def test_loom_s_own_file_is_read_and_written(tmp_path):
    loaded = load_metrics(str(LOOM_FILE))
    assert loaded.score == pytest.approx(LOOM["score"])
    assert loaded.average_deviation == pytest.approx(LOOM["avg_deviation"])
    assert loaded.failures == LOOM["failures"]
    assert loaded.buckets["100%+"].range_max == math.inf
    again = tmp_path / "metrics.json"
    loaded.save_metrics(str(again))
    written = json.loads(again.read_text(encoding="utf-8"))
    assert list(written["buckets"]) == list(LOOM["buckets"])
    assert {key: written[key] for key in LOOM} == LOOM


def test_the_same_predictions_give_what_loom_gives():
    metrics = evaluate_model(
        [result["expected"] for result in LOOM["results"]],
        [result["actual"] for result in LOOM["results"]],
    )
    written = json.loads(metrics.save_metrics_to_string())
    assert written["results"] == LOOM["results"]
    assert written["buckets"] == LOOM["buckets"]
    assert written["score"] == pytest.approx(LOOM["score"])


def edited(**changes):
    return json.dumps(LOOM | changes)


def bucket(**changes):
    return edited(buckets=LOOM["buckets"] | {"0-10%": LOOM["buckets"]["0-10%"] | changes})


def first_result(**changes):
    return edited(results=[LOOM["results"][0] | changes, *LOOM["results"][1:]])


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ModelFormatError, "the metrics is empty"),
        ("[]", ModelFormatError, "must be an object, got a list"),
        ("{", ModelFormatError, "not valid JSON"),
        ('{"score": NaN}', NonFiniteError, "NaN"),
        (edited(total_samples=9), ModelFormatError, "total_samples 9, but their results give 8"),
        (edited(failures=0), ModelFormatError, "failures 0, but their results give 1"),
        (edited(score=99.0), ModelFormatError, "say score 99, but their results give 53"),
        (edited(avg_deviation=0), ModelFormatError, "say avg_deviation 0, but"),
        (edited(correct_count=8), ModelFormatError, "say correct_count 8, but"),
        (edited(accuracy=1.0), ModelFormatError, "say accuracy 1, but"),
        (edited(score="53"), SpecError, "score must be a number"),
        (bucket(count=5), ModelFormatError, "say count of 0-10% 5, but their results give 2"),
        (bucket(range_max=20), ModelFormatError, "say range_max of 0-10% 20, but"),
        (bucket(samples=[0, 6]), ModelFormatError, "other samples in 0-10% than"),
        (edited(buckets={}), ModelFormatError, "no bucket '0-10%'"),
        (edited(results="x"), SpecError, "results must be a list"),
        (edited(results=[1]), SpecError, "results must be a list of objects"),
        (first_result(expected="5"), SpecError, "result 0: expected must be a number"),
        (first_result(expected=None), SpecError, "result 0: it needs sample_index"),
        (first_result(sample_index=-1), SpecError, "result 0: sample_index"),
        (first_result(sample_index=True), SpecError, "result 0: sample_index"),
        (first_result(deviation=-1), SpecError, "result 0: the deviation of sample 0"),
        (first_result(deviation=55), SpecError, "result 0: sample 0 has bucket '0-10%'"),
        (first_result(bucket="__class__"), SpecError, "has bucket '__class__'"),
        (first_result(actual=10**400), SpecError, "actual is too large"),
        ("[" * 100 + "]" * 100, LimitError, "nested deeper"),
    ],
)
def test_files_that_are_no_metrics_are_refused(text, error, message):
    with pytest.raises(error, match=message):
        load_metrics_from_string(text)


def test_more_results_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "LIST_ITEMS", 7)
    with pytest.raises(LimitError, match="the length of results is 8"):
        load_metrics_from_string(edited())


GOOD = {"SampleIndex": 0, "ExpectedOutput": 2, "ActualOutput": 2, "Deviation": 0, "Bucket": "0-10%"}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"Bucket": "10-20%"}, SpecError, "a deviation of 0 percent is in '0-10%'"),
        ({"Deviation": math.nan}, SpecError, "must be at least 0: nan"),
        ({"Deviation": "0"}, SpecError, "deviation must be a number"),
        ({"ExpectedOutput": math.inf}, NonFiniteError, "not finite"),
        ({"SampleIndex": 0.5}, SpecError, "sample_index must be a whole number"),
        ({"Bucket": None}, SpecError, "PredictionResult needs Bucket"),
        ({"Extra": 1}, SpecError, "no field 'Extra'"),
    ],
)
def test_results_that_cannot_be_are_refused_and_change_nothing(change, error, message):
    metrics = DeviationMetrics()
    metrics.update_metrics(GOOD)
    with pytest.raises(error, match=message):
        metrics.update_metrics(GOOD | change)
    assert metrics.results == [PredictionResult(0, 2, 2, 0, "0-10%")]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.update([1, 2], [1, 2, 3]), ShapeError, "output has 2 numbers and the target"),
        (lambda m: m.update([], []), ShapeError, "output has 0 numbers"),
        (lambda m: m.update([1, 2], 2), SpecError, "2 is not a class: the network has 2 outputs"),
        (lambda m: m.update([1, 2], 0.5), SpecError, "0.5 is not a class"),
        (lambda m: m.update([1, 2], math.nan), SpecError, "nan is not a class"),
        (lambda m: m.update([1], math.nan), NonFiniteError, "sample 0 holds NaN"),
        (lambda m: m.update("ab", 1), SpecError, "the output must be numbers"),
        (lambda m: m.get_worst_samples(-1), SpecError, "at least 0, got -1"),
        (lambda m: m.get_worst_samples(1.5), SpecError, "n must be a whole number"),
        (lambda m: m.get_worst_samples("2"), SpecError, "n must be a whole number"),
        (lambda m: m.get_samples_in_bucket([]), SpecError, "no bucket"),
        (lambda m: m.get_samples_in_bucket("Perfect"), SpecError, "no bucket 'Perfect'"),
        (lambda _: evaluate_model([1], [1, 2]), ShapeError, "1 values are expected, 2 were"),
        (lambda _: evaluate_model([math.nan], [1]), NonFiniteError, "sample 0"),
        (lambda _: evaluate_model(["a"], [1]), SpecError, "what is expected must be numbers"),
    ],
)
def test_wrong_arguments_are_errors(call, error, message):
    metrics = DeviationMetrics()
    with pytest.raises(error, match=message):
        call(metrics)
    assert metrics.total_samples == 0


SUMMARY = """\
=== Model Evaluation Summary ===
Total Samples: 8
Quality Score: 53.5/100
Average Deviation: 77.8%
Failures (>100% deviation): 1 (12.5%)
Accuracy: 25.0% (2 correct)

Deviation Distribution:
     0-10%:    2 samples (25.0%) ████████████
    10-20%:    1 samples (12.5%) ██████
    20-30%:    2 samples (25.0%) ████████████
    30-40%:    0 samples (0.0%)
    40-50%:    0 samples (0.0%)
   50-100%:    2 samples (25.0%) ████████████
     100%+:    1 samples (12.5%) ██████

=== Worst 5 Predictions ===
1. Sample #4: Expected 2, Predicted 9, Deviation: 350.0%
2. Sample #1: Expected 0, Predicted 1, Deviation: 100.0%
3. Sample #3: Expected 1, Predicted 2, Deviation: 100.0%
4. Sample #6: Expected 100, Predicted 72, Deviation: 28.0%
5. Sample #7: Expected -4, Predicted -4.9, Deviation: 22.5%"""


def test_the_summary_is_printed_and_returned(capsys):
    metrics = load_metrics(str(LOOM_FILE))
    assert metrics.print_summary() == SUMMARY
    assert capsys.readouterr().out == SUMMARY + "\n"
    assert str(metrics) == SUMMARY


def test_a_summary_of_nothing_says_so():
    assert "Nothing was evaluated yet." in str(DeviationMetrics())


def test_lengths_beyond_float64_are_a_failure_and_no_success():
    metrics = DeviationMetrics()
    metrics.update([-1.7e308, -1.7e308], [1.7e308, 1.7e308])
    assert metrics.failures == 1
    assert metrics.average_deviation == math.inf
