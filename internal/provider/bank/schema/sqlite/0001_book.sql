-- What the book says about itself: node numbers given out.
CREATE TABLE meta (
    scope  INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- One row for each reference, by 128 bits of its hash. due is when the next
-- thing happens to the operation; 0 when nothing does any more.
CREATE TABLE bank_operation (
    scope     INTEGER NOT NULL,
    hash_a    INTEGER NOT NULL,
    hash_b    INTEGER NOT NULL,
    recorded  INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    reference TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;
CREATE INDEX bank_operation_recorded ON bank_operation (scope, recorded);
CREATE INDEX bank_operation_due ON bank_operation (scope, due) WHERE due > 0;

-- What the bank tells unasked, numbered from 1. Row 0 holds the last number.
CREATE TABLE bank_notice (
    scope  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    body   TEXT    NOT NULL,
    PRIMARY KEY (scope, number)
) STRICT;

-- Money that others have paid in, by 128 bits of the hash of their reference. at
-- is when it is booked.
CREATE TABLE bank_deposit (
    scope     INTEGER NOT NULL,
    hash_a    INTEGER NOT NULL,
    hash_b    INTEGER NOT NULL,
    reference TEXT NOT NULL,
    amount    INTEGER NOT NULL,
    currency  TEXT NOT NULL,
    at        INTEGER NOT NULL,
    note      TEXT NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;
