"""Whether a record can be told from luck: evidence, the written rule, and the judging of a run."""
