"""The page answers input all through start-up and training; says how long its tasks are."""

import pytest
from playground import DIGIT_STROKES, START_UP_MS, TRAINING_MS, Playground

#: Records main-thread tasks over 50 ms, and how long each click waits for the next frame.
WATCH = """
window.watched = { longTasks: [], answers: [] };
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) {
    window.watched.longTasks.push([Math.round(startTime), Math.round(duration)]);
  }
}).observe({ type: 'longtask', buffered: true });
addEventListener('click', (event) => {
  requestAnimationFrame(() => window.watched.answers.push(performance.now() - event.timeStamp));
}, { capture: true });
"""
BLOCK_MS = 120
#: Holds up the page, and returns how long the task was that the observer then reported.
BLOCK = """(ms) => new Promise((resolve) => {
  watched.longTasks.length = 0;
  setTimeout(() => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  });
  const poll = setInterval(() => {
    if (watched.longTasks.length === 0) return;
    clearInterval(poll);
    resolve(Math.max(...watched.longTasks.map(([, duration]) => duration)));
  }, 10);
})"""
#: Far beyond any good page: this is to notice a page that hangs, on a machine that may be busy.
SANE_ANSWER_MS = 2000


@pytest.fixture
def watched(page, site_url):
    page.add_init_script(WATCH)
    return Playground(page, site_url)


def take(page, name):
    """What was recorded since the last time."""
    return page.evaluate(f"window.watched.{name}.splice(0)")


def report(capsys, when, tasks, answers):
    longest = max((duration for _, duration in tasks), default=0)
    slowest = max(answers, default=0)
    with capsys.disabled():
        print(  # noqa: T201 (the measurement is for whoever runs the tests)
            f"\n{when}: {len(tasks)} tasks over 50 ms, longest {longest} ms {tasks}; "
            f"{len(answers)} clicks answered, slowest {slowest:.0f} ms"
        )


def test_longest_task_and_answers_to_clicks(watched, page, site_url, capsys):
    page.goto(f"{site_url}#v=1&epochs=15")  # long enough to watch, however fast it trains
    clear = page.locator("#clear")
    while page.get_attribute("html", "data-state") == "loading":
        clear.click()
    watched.wait_for("ready", START_UP_MS)
    starting = take(page, "answers")
    report(capsys, "start-up", take(page, "longTasks"), starting)

    page.click("#run")
    watched.draw(DIGIT_STROKES[7])
    take(page, "answers")
    while page.get_attribute("html", "data-state") == "training":
        clear.click()
    watched.wait_for("ready", TRAINING_MS)
    training = take(page, "answers")
    report(capsys, "training", take(page, "longTasks"), training)

    assert len(starting) > 3
    assert len(training) > 20
    assert max(starting + training) < SANE_ANSWER_MS
    assert page.evaluate(BLOCK, BLOCK_MS) >= BLOCK_MS  # or the observer saw nothing at all
