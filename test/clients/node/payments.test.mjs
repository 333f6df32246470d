import assert from 'node:assert/strict';
import test from 'node:test';
import { Stripe, browser, payment, refused, sdk, stripe } from './client.mjs';

test('the client is one that Florin is tested with, and is answered at its version', async () => {
  const [version, api] = { stripe: ['23.1.0', '2026-10-28.endive'], 'stripe-15': ['15.12.0', '2024-04-10'] }[sdk];
  assert.equal(Stripe.PACKAGE_VERSION, version);
  const intent = await stripe.paymentIntents.create({ amount: 1000, currency: 'usd' });
  assert.equal(intent.lastResponse.apiVersion, api);
  assert.equal('invoice' in intent, sdk === 'stripe-15');
});

test('pays when created and confirmed at once', async () => {
  const intent = await stripe.paymentIntents.create(payment({ description: 'two coffees', metadata: { order: '6735' } }));
  assert.match(intent.id, /^pi_[0-9A-Za-z]{16,}$/);
  assert.equal(intent.object, 'payment_intent');
  assert.equal(intent.status, 'succeeded');
  assert.equal(intent.amount, 2000);
  assert.equal(intent.amount_received, 2000);
  assert.equal(intent.currency, 'usd');
  assert.equal(intent.livemode, false);
  assert.equal(intent.description, 'two coffees');
  assert.deepEqual(intent.metadata, { order: '6735' });
  assert.deepEqual(intent.payment_method_types, ['card']);
  assert.deepEqual(intent.automatic_payment_methods, { allow_redirects: 'never', enabled: true });
  assert.equal(intent.last_payment_error, null);
  assert.match(intent.lastResponse.requestId, /^req_/);

  const again = await stripe.paymentIntents.retrieve(intent.id);
  assert.deepEqual({ ...again }, { ...intent });

  const charge = await stripe.charges.retrieve(intent.latest_charge);
  assert.equal(charge.payment_intent, intent.id);
  assert.equal(charge.status, 'succeeded');
  assert.equal(charge.paid, true);
  assert.equal(charge.captured, true);
  assert.equal(charge.amount_captured, 2000);
  assert.equal(charge.refunded, false);
  assert.equal(charge.payment_method_details.type, 'card');
  assert.equal(charge.payment_method_details.card.brand, 'visa');
  assert.equal(charge.payment_method_details.card.last4, '4242');
  assert.equal(charge.outcome.type, 'authorized');
});

test('pays in steps: create, then confirm with a method', async () => {
  const created = await stripe.paymentIntents.create({ amount: 1099, currency: 'eur' });
  assert.equal(created.status, 'requires_payment_method');
  assert.equal(created.capture_method, 'automatic_async');
  assert.ok(created.client_secret.startsWith(`${created.id}_secret_`));
  const paid = await stripe.paymentIntents.confirm(created.id, {
    payment_method: 'pm_card_mastercard',
    return_url: 'https://shop.example/back',
  });
  assert.equal(paid.id, created.id);
  assert.equal(paid.status, 'succeeded');
  assert.equal(paid.amount_received, 1099);
  assert.match(paid.payment_method, /^pm_/);

  const error = await refused(stripe.paymentIntents.confirm(created.id, { payment_method: 'pm_card_visa' }));
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.code, 'payment_intent_unexpected_state');
});

test('takes allowed_payment_method_types', async () => {
  const intent = await stripe.paymentIntents.create(
    payment({ automatic_payment_methods: undefined, allowed_payment_method_types: ['card'] }),
  );
  assert.equal(intent.status, 'succeeded');
  assert.deepEqual(intent.payment_method_types, ['card']);
  assert.deepEqual(intent.allowed_payment_method_types, ['card']);
});

test('takes money in currencies without minor unit and with three decimals', async () => {
  for (const [amount, currency] of [[500, 'jpy'], [5000, 'krw'], [1250, 'kwd']]) {
    const intent = await stripe.paymentIntents.create(payment({ amount, currency, expand: ['latest_charge'] }));
    assert.equal(intent.status, 'succeeded', currency);
    assert.equal(intent.amount_received, amount, currency);
    assert.equal(intent.latest_charge.amount, amount, currency);
  }
});

test('reserves, and captures in part', async () => {
  const intent = await stripe.paymentIntents.create(payment({ amount: 5000, capture_method: 'manual' }));
  assert.equal(intent.status, 'requires_capture');
  assert.equal(intent.amount_capturable, 5000);
  assert.equal(intent.amount_received, 0);

  const over = await refused(stripe.paymentIntents.capture(intent.id, { amount_to_capture: 5001 }));
  assert.ok(over instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(over.param, 'amount_to_capture');

  const captured = await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 3000, expand: ['latest_charge'] });
  assert.equal(captured.status, 'succeeded');
  assert.equal(captured.amount, 5000);
  assert.equal(captured.amount_received, 3000);
  assert.equal(captured.amount_capturable, 0);
  assert.equal(captured.latest_charge.captured, true);
  assert.equal(captured.latest_charge.amount_captured, 3000);

  const again = await refused(stripe.paymentIntents.capture(intent.id));
  assert.equal(again.code, 'payment_intent_unexpected_state');
  assert.equal(again.statusCode, 400);
});

test('reserves, and lets go', async () => {
  const intent = await stripe.paymentIntents.create(payment({ capture_method: 'manual' }));
  const canceled = await stripe.paymentIntents.cancel(intent.id, { cancellation_reason: 'requested_by_customer' });
  assert.equal(canceled.status, 'canceled');
  assert.equal(canceled.cancellation_reason, 'requested_by_customer');
  assert.equal(canceled.amount_capturable, 0);
  assert.ok(canceled.canceled_at >= canceled.created);
  const error = await refused(stripe.paymentIntents.capture(intent.id));
  assert.equal(error.code, 'payment_intent_unexpected_state');
});

test('refunds in part, not more than there is, and the rest', async () => {
  const intent = await stripe.paymentIntents.create(payment());
  const part = await stripe.refunds.create({
    payment_intent: intent.id, amount: 500, reason: 'requested_by_customer', metadata: { line: '2' },
  });
  assert.match(part.id, /^re_/);
  assert.equal(part.status, 'succeeded');
  assert.equal(part.amount, 500);
  assert.equal(part.charge, intent.latest_charge);
  assert.equal(part.payment_intent, intent.id);
  assert.equal(part.reason, 'requested_by_customer');
  assert.deepEqual(part.metadata, { line: '2' });

  const over = await refused(stripe.refunds.create({ payment_intent: intent.id, amount: 1501 }));
  assert.ok(over instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(over.param, 'amount');
  assert.equal(over.code, undefined);

  const rest = await stripe.refunds.create({ charge: intent.latest_charge });
  assert.equal(rest.amount, 1500);
  const charge = await stripe.charges.retrieve(intent.latest_charge);
  assert.equal(charge.amount_refunded, 2000);
  assert.equal(charge.refunded, true);

  const none = await refused(stripe.refunds.create({ payment_intent: intent.id }));
  assert.ok(none instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(none.code, 'charge_already_refunded');

  const list = await stripe.refunds.list({ payment_intent: intent.id });
  assert.deepEqual(list.data.map((r) => r.id), [rest.id, part.id]);
  assert.equal((await stripe.refunds.retrieve(part.id)).amount, 500);
});

test('refuses to refund what was not captured', async () => {
  const intent = await stripe.paymentIntents.create(payment({ capture_method: 'manual' }));
  const error = await refused(stripe.refunds.create({ payment_intent: intent.id }));
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.code, undefined);
  assert.equal(error.param, undefined);
});

test('lets a browser confirm with the client secret, and no more', async () => {
  const created = await stripe.paymentIntents.create({ amount: 700, currency: 'usd' });
  const secret = { client_secret: created.client_secret };
  const seen = await browser.paymentIntents.retrieve(created.id, secret);
  assert.equal(seen.status, 'requires_payment_method');
  assert.equal(seen.metadata, undefined);
  const paid = await browser.paymentIntents.confirm(created.id, { ...secret, payment_method: 'pm_card_visa' });
  assert.equal(paid.status, 'succeeded');

  const wrong = await refused(browser.paymentIntents.retrieve(created.id, { client_secret: `${created.id}_secret_x` }));
  assert.ok(wrong instanceof Stripe.errors.StripeInvalidRequestError);
  const forbidden = await refused(browser.refunds.create({ payment_intent: created.id }));
  assert.ok(forbidden instanceof Stripe.errors.StripeAuthenticationError);
});

test('lists the intents of a customer, newest first', async () => {
  const customer = await stripe.customers.create();
  const made = [];
  for (const amount of [100, 200, 300]) {
    made.unshift((await stripe.paymentIntents.create({ amount, currency: 'usd', customer: customer.id })).id);
  }
  const page = await stripe.paymentIntents.list({ customer: customer.id, limit: 2 });
  assert.deepEqual(page.data.map((i) => i.id), made.slice(0, 2));
  assert.equal(page.has_more, true);
  const all = await stripe.paymentIntents.list({ customer: customer.id, limit: 2 }).autoPagingToArray({ limit: 10 });
  assert.deepEqual(all.map((i) => i.id), made);
});
