"""What benchmarks/performance.py measures, one concern a module."""
