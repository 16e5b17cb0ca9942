ALTER TABLE attempt ADD COLUMN memory INTEGER;  -- bytes that the build was seen to take, NULL where nobody looked

CREATE TABLE mark (
    node TEXT PRIMARY KEY,
    cpu TEXT NOT NULL,                -- a node with another CPU under the same name is measured anew
    seconds REAL NOT NULL             -- for the probe benchmark
);

-- All that is learned of fifty targets is read at the start of a run: these spare it the rows themselves, which are long.
DROP INDEX run_by_target;
CREATE INDEX run_by_target ON run (target, number, started);
CREATE INDEX outcome_durations ON outcome (run, platform, node, cached, total, reused_from);
CREATE INDEX attempt_that_built ON attempt (run, platform, seconds, kind) WHERE kind IS NULL;
CREATE INDEX attempt_with_memory ON attempt (run, platform, memory) WHERE memory IS NOT NULL;
