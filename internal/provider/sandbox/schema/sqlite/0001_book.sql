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
-- but a decision relied on that. following names the approved operations that
-- have the reference as their original, oldest first, with spaces in between.
CREATE TABLE sandbox_entry (
    scope     INTEGER NOT NULL,
    hash_a    INTEGER NOT NULL,
    hash_b    INTEGER NOT NULL,
    recorded  INTEGER NOT NULL,
    reference TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    following TEXT    NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;
CREATE INDEX sandbox_entry_recorded ON sandbox_entry (scope, recorded, hash_a, hash_b);
