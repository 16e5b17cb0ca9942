CREATE TABLE strike (
    node TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    until REAL NOT NULL               -- seconds since the epoch
);
