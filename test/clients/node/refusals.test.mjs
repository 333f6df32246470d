import assert from 'node:assert/strict';
import test from 'node:test';
import { Stripe, connect, payment, refused, stripe, unique, withOwnConnections } from './client.mjs';

test('one idempotency key, one payment', async () => {
  const idempotencyKey = unique();
  const first = await stripe.paymentIntents.create(payment(), { idempotencyKey });
  const second = await stripe.paymentIntents.create(payment(), { idempotencyKey });
  assert.deepEqual({ ...second }, { ...first });
  assert.equal(second.lastResponse.headers['idempotent-replayed'], 'true');
  assert.equal(second.lastResponse.headers['original-request'], first.lastResponse.requestId);
  assert.notEqual(second.lastResponse.requestId, first.lastResponse.requestId);
  assert.equal(first.lastResponse.idempotencyKey, idempotencyKey);
});

test('one idempotency key at the same moment, one payment', async () => {
  // The client tries again what is answered with 409. It leaves that answer unread,
  // and its connection would keep this process alive until the time-out.
  await withOwnConnections(async (client) => {
    const options = { idempotencyKey: unique(), maxNetworkRetries: 5, timeout: 5000 };
    const intents = await Promise.all(Array.from({ length: 5 }, () => client.paymentIntents.create(payment(), options)));
    assert.equal(new Set(intents.map((i) => i.id)).size, 1);
    assert.equal(new Set(intents.map((i) => i.latest_charge)).size, 1);
  });
});

test('a decline is remembered under its key', async () => {
  const idempotencyKey = unique();
  const declined = payment({ payment_method: 'pm_card_visa_chargeDeclined' });
  const first = await refused(stripe.paymentIntents.create(declined, { idempotencyKey }));
  const second = await refused(stripe.paymentIntents.create(declined, { idempotencyKey }));
  assert.ok(second instanceof Stripe.errors.StripeCardError);
  assert.equal(second.payment_intent.id, first.payment_intent.id);
  assert.equal(second.charge, first.charge);
  assert.equal(second.headers['idempotent-replayed'], 'true');
});

test('an idempotency key used for something else', async () => {
  const idempotencyKey = unique();
  const intent = await stripe.paymentIntents.create(payment(), { idempotencyKey });
  for (const call of [
    () => stripe.paymentIntents.create(payment({ amount: 2001 }), { idempotencyKey }),
    () => stripe.refunds.create({ payment_intent: intent.id }, { idempotencyKey }),
  ]) {
    const error = await refused(call());
    assert.ok(error instanceof Stripe.errors.StripeIdempotencyError, `${error.name}: ${error.message}`);
    assert.equal(error.statusCode, 400);
    assert.equal(error.code, undefined);
    assert.equal(error.param, undefined);
  }
});

test('a key that is nobody’s', async () => {
  const error = await refused(connect('sk_test_wrongwrongwrongwrong').balance.retrieve());
  assert.ok(error instanceof Stripe.errors.StripeAuthenticationError);
  assert.equal(error.statusCode, 401);
  assert.match(error.message, /^Invalid API Key provided: sk_test_\*+rong$/);
});

test('what is wrong with a request is said of its parameter', async () => {
  for (const [params, code, param] of [
    [payment({ colour: 'red' }), 'parameter_unknown', 'colour'],
    [payment({ automatic_payment_methods: { enabled: true, colour: 'red' } }), 'parameter_unknown', 'automatic_payment_methods[colour]'],
    [payment({ amount: undefined }), 'parameter_missing', 'amount'],
    [payment({ amount: 'ten' }), 'parameter_invalid_integer', 'amount'],
    [payment({ amount: 10.5 }), 'parameter_invalid_integer', 'amount'],
    [payment({ amount: 1 }), 'amount_too_small', 'amount'],
    [payment({ amount: 10 ** 13 }), 'amount_too_large', 'amount'],
    [payment({ currency: 'xyz' }), undefined, 'currency'],
    [payment({ customer: 'cus_nobody' }), 'resource_missing', 'customer'],
    [payment({ payment_method: 'pm_nothing' }), 'resource_missing', 'payment_method'],
    [payment({ expand: ['amount'] }), undefined, undefined],
  ]) {
    const error = await refused(stripe.paymentIntents.create(params));
    const what = `${param}: ${error.name}: ${error.message}`;
    assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError, what);
    assert.equal(error.rawType, 'invalid_request_error', what);
    assert.equal(error.statusCode, 400, what);
    assert.equal(error.code, code, what);
    if (param) assert.equal(error.param, param, what);
  }
});

test('an operation that there is not yet is not tried again', async () => {
  const started = Date.now();
  const error = await refused(stripe.issuing.cards.list());
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.statusCode, 404);
  assert.ok(Date.now() - started < 2000);
});

test('the answer names the version that was asked for', async () => {
  const balance = await stripe.balance.retrieve();
  assert.equal(balance.lastResponse.apiVersion, stripe.getApiField('version'));
});
