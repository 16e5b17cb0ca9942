CREATE TABLE run (
    number INTEGER PRIMARY KEY,       -- order of beginning, whatever the clock said
    id TEXT NOT NULL UNIQUE,
    target TEXT NOT NULL,
    image_references TEXT NOT NULL,   -- JSON array, sorted: compared as a whole
    started TEXT NOT NULL,            -- ISO 8601, UTC
    exit_code INTEGER,                -- NULL until the run has ended
    index_digest TEXT,
    seconds REAL
);
CREATE INDEX run_by_references ON run (image_references, number);
CREATE INDEX run_by_target ON run (target, number);

CREATE TABLE outcome (
    run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
    platform TEXT NOT NULL,
    is_built INTEGER NOT NULL,
    seconds REAL NOT NULL,            -- from the first try's start to the end
    node TEXT,                        -- what follows is NULL for a platform that failed
    engine TEXT,
    digest TEXT,
    pushed TEXT,
    cached INTEGER,
    total INTEGER,
    sent INTEGER,
    emulated INTEGER,
    program TEXT,
    inputs TEXT,                      -- JSON object
    reused_from TEXT,                 -- the run that built it, where this one only took it over
    PRIMARY KEY (run, platform)
);

CREATE TABLE attempt (
    run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
    platform TEXT NOT NULL,
    number INTEGER NOT NULL,          -- from 1
    node TEXT NOT NULL,
    kind TEXT,                        -- NULL for the try that succeeded
    reason TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (run, platform, number)
);
