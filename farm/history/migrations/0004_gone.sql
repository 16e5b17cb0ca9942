CREATE TABLE gone (
    repository TEXT NOT NULL,         -- with its registry, without a tag
    digest TEXT NOT NULL,
    run INTEGER NOT NULL,             -- the newest when it was found gone: a later one may have pushed it again
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
