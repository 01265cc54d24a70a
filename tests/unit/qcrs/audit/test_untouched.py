from qcrs.rules.replay import Rule


def test_the_untouched_history_holds(history):
    report = history.examine()
    assert report.fault is None, str(report.fault)
    assert report.holds
    assert report.computations == 16
    assert report.surplus == 0
    print(report)
