"""Compare the optimizers on the simple objective: 100 synthetic bars, 500 evaluations, 15 seeds.

The script of this name that docs/findings.md tells of, over `backtune bench`:
`python scripts/benchmark_optimizers.py --help`.
"""

import sys

from backtune.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["bench", "--suite", "simple"]
    main()
