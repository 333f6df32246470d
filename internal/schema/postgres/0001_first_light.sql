-- Transactions that were committed, so that one whose answer was lost is not
-- done again. Rows are deleted after a day.
CREATE TABLE train (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

-- What the database says about itself: node numbers given out, master key.
CREATE TABLE meta (
    scope  BIGINT NOT NULL,
    key    BIGINT NOT NULL,
    number BIGINT NOT NULL,
    text   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, key)
);

-- The versions of objects that newer ones have replaced. The latest one is in the
-- table of its kind.
CREATE TABLE object_version (
    scope   BIGINT NOT NULL,
    object  BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, object, version)
);

-- What happened, in order. Points at the object as it was.
CREATE TABLE event (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    lane    BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    type    TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    object  BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE UNIQUE INDEX event_lane_seq ON event (scope, lane, seq);
CREATE INDEX event_type ON event (scope, type, key);

-- Each lane of events: the last sequence number given; while due is not 0, the
-- first one that is not handed on to those who listen; the last one whose event
-- was deleted for its age.
CREATE TABLE event_lane (
    scope BIGINT NOT NULL,
    lane  BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    fresh BIGINT NOT NULL,
    due   BIGINT NOT NULL,
    gone  BIGINT NOT NULL,
    PRIMARY KEY (scope, lane)
);
CREATE INDEX event_lane_due ON event_lane (due) WHERE due > 0;

-- The scopes in which somebody listens to events, or once did.
CREATE TABLE event_audience (
    scope BIGINT NOT NULL,
    key   BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- What search finds objects by: keyed hashes of words and parts of words.
CREATE TABLE search_term (
    scope BIGINT NOT NULL,
    term  BIGINT NOT NULL,
    key   BIGINT NOT NULL,
    PRIMARY KEY (scope, term, key)
);

-- The terms that stand for an object, so that those which it no longer has go.
CREATE TABLE search_entry (
    scope BIGINT NOT NULL,
    key   BIGINT NOT NULL,
    terms BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- How far the index of this format is built. scope is 0.
CREATE TABLE search_build (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    noun     BIGINT NOT NULL,
    at_scope BIGINT NOT NULL,
    at_key   BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Idempotency keys, by 128 bits of their hash. Each row is changed once, when the
-- reply is recorded: with room for that on its page, no index has to be told.
CREATE TABLE idempotency (
    scope    BIGINT NOT NULL,
    hash_a   BIGINT NOT NULL,
    hash_b   BIGINT NOT NULL,
    request  BYTEA NOT NULL,
    state    BIGINT NOT NULL,
    lease    BIGINT NOT NULL,
    recovery BIGINT NOT NULL,
    created  BIGINT NOT NULL,
    origin   TEXT COLLATE "C" NOT NULL,
    reply    TEXT COLLATE "C" NOT NULL,
    sealed   BYTEA NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
) WITH (fillfactor = 50);
CREATE INDEX idempotency_created ON idempotency (created);

-- Work to be done later. due is 0 when there is nothing more to do. line is the
-- test clock that at is told by; 0: the system's.
CREATE TABLE job (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    state   BIGINT NOT NULL,
    due     BIGINT NOT NULL,
    owner   BIGINT NOT NULL,
    tries   BIGINT NOT NULL,
    created BIGINT NOT NULL,
    payload TEXT COLLATE "C" NOT NULL,
    problem TEXT COLLATE "C" NOT NULL,
    line    BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX job_due ON job (kind, due) WHERE due > 0;
CREATE INDEX job_line ON job (scope, line, at, key) WHERE line > 0 AND due > 0;
CREATE INDEX job_dead ON job (scope, key) WHERE due = 0;

-- Test clocks: lines of time that are moved by hand.
CREATE TABLE test_clock (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- One data key per subject, sealed under the master key. Deleting the row
-- erases everything that was sealed under it.
CREATE TABLE subject_key (
    scope   BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    sealed  BYTEA NOT NULL,
    PRIMARY KEY (scope, subject)
);

-- Payments: what each kind of object is looked up by.
CREATE TABLE payment_intent (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    indexed  BIGINT NOT NULL,
    digest   BIGINT NOT NULL,
    status   TEXT COLLATE "C" NOT NULL,
    customer BIGINT NOT NULL,
    amount   BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX payment_intent_stale ON payment_intent (scope, key) WHERE indexed <> digest;
CREATE INDEX payment_intent_customer ON payment_intent (scope, customer, key) WHERE customer > 0;

-- Operations at providers. due is 0 when nothing is left to do.
CREATE TABLE attempt (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    state   TEXT COLLATE "C" NOT NULL,
    due     BIGINT NOT NULL,
    owner   BIGINT NOT NULL,
    intent  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX attempt_due ON attempt (due) WHERE due > 0;
CREATE INDEX attempt_intent ON attempt (scope, intent, key);

CREATE TABLE charge (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    indexed  BIGINT NOT NULL,
    digest   BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    intent   BIGINT NOT NULL,
    status   TEXT COLLATE "C" NOT NULL,
    amount   BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    transfer_group TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX charge_stale ON charge (scope, key) WHERE indexed <> digest;
CREATE INDEX charge_customer ON charge (scope, customer, key) WHERE customer > 0;
CREATE INDEX charge_intent ON charge (scope, intent, key);
CREATE INDEX charge_group ON charge (scope, transfer_group, key) WHERE transfer_group <> '';

CREATE TABLE refund (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    charge  BIGINT NOT NULL,
    intent  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX refund_charge ON refund (scope, charge, key);
CREATE INDEX refund_intent ON refund (scope, intent, key);

-- Movements of money: one row debits one account and credits another. number
-- counts the postings that debit the account, from 1 and without gaps, in the
-- order of their commits. txn is the key of the balance transaction it belongs
-- to, or, negated, of the maturity. Rows are never changed.
CREATE TABLE posting (
    scope    BIGINT NOT NULL,
    debit    BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    txn      BIGINT NOT NULL,
    credit   BIGINT NOT NULL,
    amount   BIGINT NOT NULL,
    currency BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (scope, debit, number)
);
CREATE INDEX posting_txn ON posting (scope, txn, key);

-- The sums of an account's postings, and of the holds on it; the number of the
-- last posting that debits it.
CREATE TABLE balance (
    scope   BIGINT NOT NULL,
    account BIGINT NOT NULL,
    debits  BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    held    BIGINT NOT NULL,
    last    BIGINT NOT NULL,
    PRIMARY KEY (scope, account)
);

-- Seals of postings, a chain for each shard. span says which postings, digest is
-- over them, head over the seal and the one before it. scope is 0.
CREATE TABLE seal (
    scope    BIGINT NOT NULL,
    shard    BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    postings BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    span     BYTEA NOT NULL,
    digest   BYTEA NOT NULL,
    previous BYTEA NOT NULL,
    head     BYTEA NOT NULL,
    PRIMARY KEY (scope, shard, number)
);

-- The last seal of each shard. Whoever seals holds this row. scope is 0.
CREATE TABLE seal_chain (
    scope  BIGINT NOT NULL,
    shard  BIGINT NOT NULL,
    number BIGINT NOT NULL,
    head   BYTEA NOT NULL,
    PRIMARY KEY (scope, shard)
);

-- How far the postings that debit an account are sealed.
CREATE TABLE seal_mark (
    scope   BIGINT NOT NULL,
    account BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    PRIMARY KEY (scope, account)
);

-- What a merchant sees of a movement of money.
CREATE TABLE balance_transaction (
    scope        BIGINT NOT NULL,
    key          BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    source       BIGINT NOT NULL,
    type         TEXT COLLATE "C" NOT NULL,
    currency     TEXT COLLATE "C" NOT NULL,
    available_on BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    body         BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX balance_transaction_source ON balance_transaction (scope, source, key);
CREATE INDEX balance_transaction_type ON balance_transaction (scope, type, key);

-- How balances stood when an event told of them.
CREATE TABLE balance_stand (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- What becomes available on a day. The key is the day's number since 1970,
-- times 1000, plus the currency's numeric code.
CREATE TABLE maturity (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    accrued BIGINT NOT NULL,
    posted  BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX maturity_due ON maturity (key) WHERE posted = 0;

-- How much of something may be done in all, and how much was.
CREATE TABLE guard (
    scope    BIGINT NOT NULL,
    subject  BIGINT NOT NULL,
    kind     BIGINT NOT NULL,
    ceiling  BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    done     BIGINT NOT NULL,
    PRIMARY KEY (scope, subject, kind)
);

-- Parts of a balance that are set aside for what is under way.
CREATE TABLE hold (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    account BIGINT NOT NULL,
    amount  BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Money on its way from one scope to another: side 1 is the payer's row, side 2 the
-- receiver's, under the same key. peer is the other scope; account is due_to or
-- due_from in the currency. state is 1 until it has arrived.
CREATE TABLE remittance (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    side    BIGINT NOT NULL,
    peer    BIGINT NOT NULL,
    account BIGINT NOT NULL,
    amount  BIGINT NOT NULL,
    txn     BIGINT NOT NULL,
    state   BIGINT NOT NULL,
    PRIMARY KEY (scope, key, side)
);

-- Merchants.
CREATE TABLE account (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- The account that was made first, under one fixed key, so that of two
-- processes that start on an empty database only one makes it.
CREATE TABLE first_account (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    account BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- API keys by 128 bits of their SHA-256, of which hash is the whole.
CREATE TABLE api_key (
    scope    BIGINT NOT NULL,
    hash_a   BIGINT NOT NULL,
    hash_b   BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    account  BIGINT NOT NULL,
    livemode BIGINT NOT NULL,
    kind     BIGINT NOT NULL,
    last4    TEXT COLLATE "C" NOT NULL,
    created  BIGINT NOT NULL,
    expires  BIGINT NOT NULL,
    id       BIGINT NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
);
CREATE UNIQUE INDEX api_key_id ON api_key (id);
CREATE INDEX api_key_account ON api_key (account, id);

-- Customers. The address is looked up by a keyed hash of it; 0 when there is none.
CREATE TABLE customer (
    scope      BIGINT NOT NULL,
    key        BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    indexed    BIGINT NOT NULL,
    digest     BIGINT NOT NULL,
    email_hash BIGINT NOT NULL,
    deleted    BIGINT NOT NULL,
    test_clock BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    body       BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX customer_stale ON customer (scope, key) WHERE indexed <> digest;
CREATE INDEX customer_test_clock ON customer (scope, test_clock, key) WHERE test_clock > 0;
CREATE INDEX customer_email_hash ON customer (scope, email_hash, key);

-- Payment methods. customer is whom one is attached to, owner whom it was last
-- attached to; 0 for nobody.
CREATE TABLE payment_method (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    type     TEXT COLLATE "C" NOT NULL,
    owner    BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX payment_method_customer ON payment_method (scope, customer, key);
CREATE INDEX payment_method_owner ON payment_method (scope, owner, key) WHERE owner > 0;

-- Methods that are set up without a payment, the attempts at it, and the
-- permissions given.
CREATE TABLE setup_intent (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    status   TEXT COLLATE "C" NOT NULL,
    customer BIGINT NOT NULL,
    method   BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX setup_intent_customer ON setup_intent (scope, customer, key) WHERE customer > 0;
CREATE INDEX setup_intent_method ON setup_intent (scope, method, key) WHERE method > 0;

-- due is 0 when nothing is left to do.
CREATE TABLE setup_attempt (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    due     BIGINT NOT NULL,
    owner   BIGINT NOT NULL,
    intent  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX setup_attempt_due ON setup_attempt (due) WHERE due > 0;
CREATE INDEX setup_attempt_intent ON setup_attempt (scope, intent, key);

CREATE TABLE mandate (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    method  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX mandate_method ON mandate (scope, method, key);

-- What payers' pages have collected for a confirmation.
CREATE TABLE confirmation_token (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Tokens: card data sent once, to be used once.
CREATE TABLE token (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Card numbers, each sealed under a subject key of its own.
CREATE TABLE card (
    scope  BIGINT NOT NULL,
    key    BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Card security codes, sealed like the number, from their arrival to the first
-- definite outcome, or until they expire.
CREATE TABLE card_cvc (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    sealed  BYTEA NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX card_cvc_expires ON card_cvc (expires);

-- What providers told unasked, by the provider (a hash of its name) and its
-- number there. due is when what could not be applied yet is tried again; 0:
-- done. In scope 0 stands what is about nothing that there is.
CREATE TABLE notice (
    scope    BIGINT NOT NULL,
    provider BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    state    BIGINT NOT NULL,
    attempt  BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    tries    BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    source   TEXT COLLATE "C" NOT NULL,
    body     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, provider, number)
);
CREATE INDEX notice_due ON notice (due) WHERE due > 0;

-- How far each provider's notices were read. scope is 0: providers are nobody's.
CREATE TABLE notice_cursor (
    scope    BIGINT NOT NULL,
    provider BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    PRIMARY KEY (scope, provider)
);

-- Disputes and inquiries about charges.
CREATE TABLE dispute (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    status  TEXT COLLATE "C" NOT NULL,
    charge  BIGINT NOT NULL,
    intent  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX dispute_charge ON dispute (scope, charge, key);
CREATE INDEX dispute_intent ON dispute (scope, intent, key);

-- Issuers' warnings that a charge was fraud.
CREATE TABLE fraud_warning (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    charge  BIGINT NOT NULL,
    intent  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX fraud_warning_charge ON fraud_warning (scope, charge, key);
CREATE INDEX fraud_warning_intent ON fraud_warning (scope, intent, key);

-- Webhooks: where merchants want to be told what happened.
CREATE TABLE webhook_endpoint (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Endpoints with something to send. due is when one may be claimed: for one that
-- is being served, when its owner's lease ends; 0 when there is nothing to send.
-- mark counts what was added.
CREATE TABLE webhook_queue (
    scope    BIGINT NOT NULL,
    endpoint BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    owner    BIGINT NOT NULL,
    mark     BIGINT NOT NULL,
    failing  BIGINT NOT NULL,
    PRIMARY KEY (scope, endpoint)
);
CREATE INDEX webhook_queue_due ON webhook_queue (due) WHERE due > 0;

-- What is sent to whom: one row for each event and endpoint. due is 0 when it is
-- not to be sent (any more); failed is when the first try failed, or 0.
CREATE TABLE webhook_delivery (
    scope    BIGINT NOT NULL,
    event    BIGINT NOT NULL,
    endpoint BIGINT NOT NULL,
    lane     BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    state    BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    failed   BIGINT NOT NULL,
    tries    BIGINT NOT NULL,
    PRIMARY KEY (scope, event, endpoint)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (scope, endpoint, due) WHERE due > 0;
CREATE INDEX webhook_delivery_open ON webhook_delivery (scope, endpoint, lane, seq) WHERE state <> 2;
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (scope, endpoint, event);

-- Each time that something was sent, and what came back.
CREATE TABLE webhook_attempt (
    scope    BIGINT NOT NULL,
    event    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    endpoint BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    took     BIGINT NOT NULL,
    status   BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    problem  TEXT COLLATE "C" NOT NULL,
    reply    BYTEA NOT NULL,
    PRIMARY KEY (scope, event, key)
);

-- Changes to what a customer has to its good, or owes, on its next invoice.
CREATE TABLE customer_balance_change (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX customer_balance_change_customer ON customer_balance_change (scope, customer, key);

-- Money that is held for customers, and its changes.
CREATE TABLE cash_balance (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX cash_balance_customer ON cash_balance (scope, customer, key);
CREATE TABLE cash_transaction (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX cash_transaction_customer ON cash_transaction (scope, customer, key);

-- Keys by which customers' devices look at their customers for a while.
CREATE TABLE ephemeral_key (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Tax ids of customers.
CREATE TABLE tax_id (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    customer BIGINT NOT NULL,
    deleted  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX tax_id_customer ON tax_id (scope, customer, key);

-- Who had which events sent again.
CREATE TABLE webhook_replay (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    endpoint BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Money that moved between accounts of which the merchant sees none.
CREATE TABLE movement (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    source  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Bank accounts of the merchant. deleted is 1 once one was removed.
CREATE TABLE bank_account (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX bank_account_deleted ON bank_account (scope, deleted, key);

-- The default bank account of each currency, whose ISO 4217 numeric code the
-- key is. next is when an automatic payout to it is considered next.
CREATE TABLE bank_default (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    account BIGINT NOT NULL,
    next    BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX bank_default_next ON bank_default (next);

-- Tokens of bank accounts, to be used once.
CREATE TABLE bank_token (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Payouts. arrival is the second on which one is expected.
CREATE TABLE payout (
    scope       BIGINT NOT NULL,
    key         BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    status      TEXT COLLATE "C" NOT NULL,
    destination BIGINT NOT NULL,
    arrival     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    body        BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX payout_status ON payout (scope, status, key);
CREATE INDEX payout_destination ON payout (scope, destination, key);

-- What is asked of a bank for a payout. due is 0 when nothing is left to do.
CREATE TABLE payout_attempt (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    state   TEXT COLLATE "C" NOT NULL,
    due     BIGINT NOT NULL,
    owner   BIGINT NOT NULL,
    payout  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX payout_attempt_due ON payout_attempt (due) WHERE due > 0;
CREATE INDEX payout_attempt_key ON payout_attempt (key);
CREATE INDEX payout_attempt_payout ON payout_attempt (scope, payout, key);

-- How far the notices of a bank are read. scope is 0; the key is of the bank's
-- name.
CREATE TABLE payout_notice (
    scope  BIGINT NOT NULL,
    key    BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Files that merchants uploaded. expires is when the content is deleted; 0 for
-- never, and once it is.
CREATE TABLE file (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    expires BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX file_purpose ON file (scope, purpose, key);
CREATE INDEX file_expires ON file (expires) WHERE expires > 0;

-- Contents of files, sealed. Number 0 is the data key.
CREATE TABLE file_chunk (
    scope  BIGINT NOT NULL,
    upload BIGINT NOT NULL,
    number BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (scope, upload, number)
);

-- Uploads that are not files yet.
CREATE TABLE file_upload (
    scope  BIGINT NOT NULL,
    upload BIGINT NOT NULL,
    made   BIGINT NOT NULL,
    PRIMARY KEY (scope, upload)
);
CREATE INDEX file_upload_made ON file_upload (made);

-- Links to files.
CREATE TABLE file_link (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    file    BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX file_link_file ON file_link (scope, file, key);

-- Which payment methods are on.
CREATE TABLE payment_method_configuration (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);

-- The configuration that is used where none is named, under one fixed key.
CREATE TABLE payment_method_default (
    scope         BIGINT NOT NULL,
    key           BIGINT NOT NULL,
    configuration BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Domains that show payment methods. A name stands once in a scope.
CREATE TABLE payment_method_domain (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    enabled BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX payment_method_domain_name ON payment_method_domain (scope, name, key);
CREATE INDEX payment_method_domain_enabled ON payment_method_domain (scope, enabled, key);

-- End of the merchant's own account.

-- Domains registered for Apple Pay by the older calls.
CREATE TABLE apple_pay_domain (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    deleted BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX apple_pay_domain_name ON apple_pay_domain (scope, name, key);

-- Payments that somebody should look at.
CREATE TABLE review (
    scope   BIGINT NOT NULL,
    key     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    open    BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX review_open ON review (scope, open, key);

-- Reconciliation: what the books say beside what providers and banks say.

-- Differences that nothing explains.
CREATE TABLE settle_break (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    state    TEXT COLLATE "C" NOT NULL,
    type     TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX settle_break_state ON settle_break (scope, state, key);

-- Which break is the latest about something, by a hash of its type and subject.
CREATE TABLE settle_mark (
    scope     BIGINT NOT NULL,
    hash_a    BIGINT NOT NULL,
    hash_b    BIGINT NOT NULL,
    break_key BIGINT NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
);

-- Files that providers and banks sent. scope is 0: a file tells of all accounts. key
-- is made of the provider and the digest, so that the same file is there once.
-- state is 1 once all lines are there, and kept is how many are.
CREATE TABLE settle_file (
    scope     BIGINT NOT NULL,
    key       BIGINT NOT NULL,
    state     BIGINT NOT NULL,
    provider  TEXT COLLATE "C" NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    day       TEXT COLLATE "C" NOT NULL,
    revision  BIGINT NOT NULL,
    statement BIGINT NOT NULL,
    digest    TEXT COLLATE "C" NOT NULL,
    lines     BIGINT NOT NULL,
    kept      BIGINT NOT NULL,
    loaded    BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX settle_file_day ON settle_file (scope, provider, day, revision);

-- What statements say of themselves, by a hash of the account and of the place in
-- its sequence. scope is 0.
CREATE TABLE settle_sheet (
    scope    BIGINT NOT NULL,
    chain    BIGINT NOT NULL,
    hash     BIGINT NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    account  TEXT COLLATE "C" NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    day      TEXT COLLATE "C" NOT NULL,
    number   BIGINT NOT NULL,
    page     BIGINT NOT NULL,
    opened   BIGINT NOT NULL,
    opening  BIGINT NOT NULL,
    closing  BIGINT NOT NULL,
    PRIMARY KEY (scope, chain, hash)
);
CREATE INDEX settle_sheet_chain ON settle_sheet (scope, chain, day, number, page);

-- Their lines. item_scope and item name what a line is matched with. state says
-- what became of it; settled is 1 once it stands in the books.
CREATE TABLE settle_line (
    scope      BIGINT NOT NULL,
    file       BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    provider   TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    reference  TEXT COLLATE "C" NOT NULL,
    note       TEXT COLLATE "C" NOT NULL,
    batch      TEXT COLLATE "C" NOT NULL,
    gross      BIGINT NOT NULL,
    fee        BIGINT NOT NULL,
    net        BIGINT NOT NULL,
    currency   TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    state      BIGINT NOT NULL,
    settled    BIGINT NOT NULL,
    item_scope BIGINT NOT NULL,
    item       BIGINT NOT NULL,
    PRIMARY KEY (scope, file, number)
);
CREATE INDEX settle_line_open ON settle_line (scope, provider, file, number) WHERE state = 0;
CREATE INDEX settle_line_paid ON settle_line (kind, file, number) WHERE kind = 'deposit' AND settled = 0;
CREATE INDEX settle_line_batch ON settle_line (scope, provider, batch, file, number);

-- What of the books a report or a statement is to tell of. remaining is what of
-- the amount is not settled; the sum of it is what there is in provider_clearing.
CREATE TABLE settle_item (
    scope     BIGINT NOT NULL,
    key       BIGINT NOT NULL,
    account   BIGINT NOT NULL,
    txn       BIGINT NOT NULL,
    provider  TEXT COLLATE "C" NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    currency  TEXT COLLATE "C" NOT NULL,
    amount    BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    state     BIGINT NOT NULL,
    break_key BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX settle_item_open ON settle_item (provider, scope, key) WHERE state = 0;
CREATE INDEX settle_item_reference ON settle_item (provider, reference);

-- How far the postings that debit an account were looked through.
CREATE TABLE settle_cursor (
    scope   BIGINT NOT NULL,
    account BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    PRIMARY KEY (scope, account)
);

-- What of the money at a provider is explained, by a hash of provider and
-- currency, as the last run left it.
CREATE TABLE settle_summary (
    scope    BIGINT NOT NULL,
    key      BIGINT NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    total    BIGINT NOT NULL,
    matched  BIGINT NOT NULL,
    awaiting BIGINT NOT NULL,
    broken   BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

-- What providers sent unasked, raw but for card data, by a hash of who sent it
-- and of its name there. scope is 0: a message names operations by our
-- references, which carry no account.
CREATE TABLE provider_message (
    scope    BIGINT NOT NULL,
    hash_a   BIGINT NOT NULL,
    hash_b   BIGINT NOT NULL,
    state    BIGINT NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    endpoint TEXT COLLATE "C" NOT NULL,
    event    TEXT COLLATE "C" NOT NULL,
    received BIGINT NOT NULL,
    settled  BIGINT NOT NULL,
    copies   BIGINT NOT NULL,
    problem  TEXT COLLATE "C" NOT NULL,
    raw      TEXT COLLATE "C" NOT NULL,
    notices  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, hash_a, hash_b)
);
CREATE INDEX provider_message_state ON provider_message (scope, state, received);

-- Which messages tell of an operation, by a hash of our reference and half of
-- the message's. scope is 0.
CREATE TABLE provider_message_about (
    scope     BIGINT NOT NULL,
    subject   BIGINT NOT NULL,
    message   BIGINT NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    hash_a    BIGINT NOT NULL,
    hash_b    BIGINT NOT NULL,
    PRIMARY KEY (scope, subject, message)
);
