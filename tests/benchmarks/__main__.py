"""Print the README's table of figures from what the last ``make bench`` wrote: ``python3 tests/benchmarks``.

Only the standard library. Exits with 1 when there are no figures.
"""

import json
import sys

from _report import OUTPUT


def main() -> int:
    """Print one row a goal, by the name of its measurement."""
    files = sorted(OUTPUT.glob("*.json"))
    if not files:
        print(f"no figures in {OUTPUT}: run 'make bench' first", file=sys.stderr)
        return 1
    print("| what | measured | goal | holds | again |\n|---|--:|--:|:-:|---|")
    for file in files:
        for goal in json.loads(file.read_text())["goals"]:
            verdict = "yes" if goal["holds"] else "**no**"
            print(f"| {goal['goal']} | {goal['figure']} | {goal['target']} | {verdict} | `{goal['command']}` |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
