-- What the book says about itself: node numbers given out.
CREATE TABLE meta (
    scope  INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- One row for each reference, by 128 bits of its hash. recorded is when its
-- operation was recorded, as a key that rises; it is zero where there is none,
-- but a decision relied on that. following names the operations, declined ones
-- not, that have the reference as their original, oldest first, with spaces in
-- between. notices is the number of the last of its notices, and due when
-- something is due for it, in ms since 1970; both are zero where there is none.
CREATE TABLE sandbox_entry (
    scope     INTEGER NOT NULL,
    hash_a    INTEGER NOT NULL,
    hash_b    INTEGER NOT NULL,
    recorded  INTEGER NOT NULL,
    reference TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    following TEXT    NOT NULL,
    notices   INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;
CREATE INDEX sandbox_entry_recorded ON sandbox_entry (scope, recorded, hash_a, hash_b);
CREATE INDEX sandbox_entry_notices ON sandbox_entry (scope, notices) WHERE notices > 0;
CREATE INDEX sandbox_entry_due ON sandbox_entry (scope, due) WHERE due > 0;

-- One row: the number of the newest notice.
CREATE TABLE sandbox_feed (
    scope  INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
INSERT INTO sandbox_feed (scope, key, number) VALUES (0, 0, 0);
