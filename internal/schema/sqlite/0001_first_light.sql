-- What the database says about itself: node numbers given out, master key.
CREATE TABLE meta (
    scope  INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- Every body an API object ever had. The newest version is the object.
CREATE TABLE object_version (
    scope   INTEGER NOT NULL,
    object  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (scope, object, version)
) STRICT;

-- What happened, in order. Points at the object as it was.
CREATE TABLE event (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    type    TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    object  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    request TEXT    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE UNIQUE INDEX event_lane_seq ON event (scope, lane, seq);
CREATE INDEX event_type ON event (scope, type, key);

-- The last sequence number given in each lane.
CREATE TABLE event_lane (
    scope INTEGER NOT NULL,
    lane  INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (scope, lane)
) STRICT;

-- Idempotency keys, by 128 bits of their hash.
CREATE TABLE idempotency (
    scope    INTEGER NOT NULL,
    hash_a   INTEGER NOT NULL,
    hash_b   INTEGER NOT NULL,
    request  BLOB    NOT NULL,
    state    INTEGER NOT NULL,
    lease    INTEGER NOT NULL,
    recovery INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    origin   TEXT    NOT NULL,
    reply    TEXT    NOT NULL,
    sealed   BLOB    NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) STRICT;
CREATE INDEX idempotency_created ON idempotency (created);

-- Work to be done later. due is 0 when there is nothing more to do.
CREATE TABLE job (
    scope   INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    state   INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    owner   INTEGER NOT NULL,
    tries   INTEGER NOT NULL,
    created INTEGER NOT NULL,
    payload TEXT    NOT NULL,
    problem TEXT    NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX job_due ON job (due) WHERE due > 0;

-- One data key per subject, sealed under the master key. Deleting the row
-- erases everything that was sealed under it.
CREATE TABLE subject_key (
    scope   INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    sealed  BLOB    NOT NULL,
    PRIMARY KEY (scope, subject)
) STRICT;
