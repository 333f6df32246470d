import assert from 'node:assert/strict';
import test from 'node:test';
import { Stripe, payment, refused, stripe } from './client.mjs';

// No other test takes this currency, so that balances can be compared.
const currency = 'nok';

function held(balance, where) {
  return balance[where].find((b) => b.currency === currency)?.amount ?? 0;
}

test('expands a payment down to what was booked', async () => {
  const intent = await stripe.paymentIntents.create(payment({ amount: 10000, expand: ['latest_charge.balance_transaction'] }));
  const txn = intent.latest_charge.balance_transaction;
  assert.match(txn.id, /^txn_/);
  assert.equal(txn.object, 'balance_transaction');
  assert.equal(txn.type, 'charge');
  assert.equal(txn.amount, 10000);
  assert.equal(txn.fee, 320); // 2.9 % and 30 cents, the default schedule
  assert.equal(txn.net, txn.amount - txn.fee);
  assert.equal(txn.fee_details.reduce((sum, f) => sum + f.amount, 0), txn.fee);
  assert.equal(txn.source, intent.latest_charge.id);
  assert.equal(txn.status, 'pending');
  assert.ok(txn.available_on > txn.created);
  const again = await stripe.balanceTransactions.retrieve(txn.id);
  assert.deepEqual({ ...again }, { ...txn });
});

test('the balance is what was booked', async () => {
  const before = await stripe.balance.retrieve();
  assert.equal(before.object, 'balance');
  const intent = await stripe.paymentIntents.create(payment({ amount: 50000, currency, expand: ['latest_charge.balance_transaction'] }));
  const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 12000, expand: ['balance_transaction'] });
  const taken = intent.latest_charge.balance_transaction;
  assert.equal(refund.balance_transaction.amount, -12000);
  assert.equal(refund.balance_transaction.source, refund.id);

  const after = await stripe.balance.retrieve();
  const change = (where) => held(after, where) - held(before, where);
  assert.equal(change('pending') + change('available'), taken.net - 12000);

  const all = await stripe.balanceTransactions.list({ currency }).autoPagingToArray({ limit: 1000 });
  const sum = all.reduce((total, t) => total + t.net, 0);
  assert.equal(held(after, 'pending') + held(after, 'available'), sum);
  const ofCharge = await stripe.balanceTransactions.list({ source: intent.latest_charge.id });
  assert.deepEqual(ofCharge.data.map((t) => t.id), [taken.id]);
  const refunds = await stripe.balanceTransactions.list({ type: 'refund', currency, limit: 1 });
  assert.equal(refunds.data[0].id, refund.balance_transaction.id);
});

test('events tell what happened, in order and as it was then', async () => {
  const key = crypto.randomUUID();
  const intent = await stripe.paymentIntents.create(payment({ capture_method: 'manual', metadata: { key } }), { idempotencyKey: key });
  await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 1500 });
  await stripe.refunds.create({ payment_intent: intent.id });

  const events = [];
  for await (const event of stripe.events.list({ limit: 50 })) {
    const about = event.data.object;
    if (about.id === intent.id || about.payment_intent === intent.id) events.unshift(event);
    if (about.id === intent.id && event.type === 'payment_intent.created') break;
  }
  assert.deepEqual(events.map((e) => e.type), [
    'payment_intent.created', 'charge.succeeded', 'payment_intent.amount_capturable_updated',
    'charge.captured', 'payment_intent.succeeded', 'refund.created', 'charge.refunded',
  ]);
  const [created, , reserved] = events;
  assert.match(created.id, /^evt_/);
  assert.equal(created.object, 'event');
  assert.equal(created.livemode, false);
  assert.match(created.api_version, /^20\d\d-\d\d-\d\d/);
  assert.equal(created.request.idempotency_key, key);
  assert.match(created.request.id, /^req_/);
  assert.notEqual(created.data.object.status, 'succeeded');
  assert.equal(reserved.data.object.status, 'requires_capture');
  assert.equal(reserved.data.object.amount_capturable, 2000);

  const again = await stripe.events.retrieve(reserved.id);
  assert.deepEqual({ ...again }, { ...reserved });
  const ofType = await stripe.events.list({ type: 'payment_intent.amount_capturable_updated', limit: 100 });
  assert.ok(ofType.data.some((e) => e.id === reserved.id));
  assert.ok(ofType.data.every((e) => e.type === 'payment_intent.amount_capturable_updated'));
  const ofTypes = await stripe.events.list({ types: ['charge.captured', 'charge.refunded'], limit: 100 });
  assert.ok(ofTypes.data.some((e) => e.id === events[3].id) && ofTypes.data.some((e) => e.id === events[6].id));
});

test('an event that is not there', async () => {
  const error = await refused(stripe.events.retrieve('evt_nothing'));
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.statusCode, 404);
});
