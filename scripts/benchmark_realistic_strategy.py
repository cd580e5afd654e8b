"""Compare the optimizers on the realistic objective: 200 synthetic bars with momentum, both policies.

The script of this name that docs/findings.md tells of, over `backtune bench`:
`python scripts/benchmark_realistic_strategy.py --help`.
"""

import sys

from backtune.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["bench", "--suite", "realistic"]
    main()
