import assert from 'node:assert/strict';
import test from 'node:test';
import { Stripe, browser, card, payment, refused, stripe } from './client.mjs';

test('pays with a token of a card, once', async () => {
  const token = await browser.tokens.create({ card });
  assert.match(token.id, /^tok_/);
  assert.equal(token.type, 'card');
  assert.equal(token.used, false);
  assert.equal(token.card.last4, '4242');
  assert.equal(token.card.number, undefined);

  const pay = () => stripe.paymentIntents.create(
    payment({ payment_method: undefined, payment_method_data: { type: 'card', card: { token: token.id } }, expand: ['payment_method'] }),
  );
  const intent = await pay();
  assert.equal(intent.status, 'succeeded');
  assert.equal(intent.payment_method.card.last4, '4242');
  const error = await refused(pay());
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.code, 'token_already_used');
});

test('makes a payment method of a token, and confirms with it', async () => {
  const token = await stripe.tokens.create({ card: { ...card, number: '5555555555554444' } });
  const method = await stripe.paymentMethods.create({ type: 'card', card: { token: token.id } });
  assert.equal(method.card.brand, 'mastercard');
  assert.equal(method.customer, null);
  const created = await stripe.paymentIntents.create({ amount: 1234, currency: 'usd', payment_method: method.id });
  assert.equal(created.status, 'requires_confirmation');
  const intent = await stripe.paymentIntents.confirm(created.id);
  assert.equal(intent.status, 'succeeded');
  assert.equal(intent.payment_method, method.id);
});

test('makes a payment method of a card number, and shows no more than its end', async () => {
  const method = await stripe.paymentMethods.create({
    type: 'card',
    card,
    billing_details: { name: 'Jenny Rosen', email: 'jenny@example.com', address: { country: 'US', postal_code: '94107' } },
    metadata: { from: 'phone' },
  });
  assert.match(method.id, /^pm_/);
  assert.equal(method.type, 'card');
  assert.equal(method.card.brand, 'visa');
  assert.equal(method.card.last4, '4242');
  assert.equal(method.card.exp_month, 12);
  assert.equal(method.card.exp_year, 2044);
  assert.equal(method.card.funding, 'credit');
  assert.match(method.card.fingerprint, /\w{8}/);
  assert.equal(method.billing_details.name, 'Jenny Rosen');
  assert.equal(method.billing_details.address.postal_code, '94107');
  assert.deepEqual(method.metadata, { from: 'phone' });
  const again = await stripe.paymentMethods.retrieve(method.id);
  assert.deepEqual({ ...again }, { ...method });
  assert.ok(!JSON.stringify(again).includes(card.number));

  const intent = await stripe.paymentIntents.create(payment({ payment_method: method.id, expand: ['latest_charge'] }));
  assert.equal(intent.status, 'succeeded');
  assert.equal(intent.latest_charge.billing_details.name, 'Jenny Rosen');
  assert.equal(intent.latest_charge.payment_method_details.card.checks.cvc_check, 'pass');
});

test('every brand can pay', async () => {
  for (const brand of ['visa', 'mastercard', 'amex', 'discover', 'diners', 'jcb', 'unionpay']) {
    const intent = await stripe.paymentIntents.create(payment({ payment_method: `pm_card_${brand}`, expand: ['payment_method'] }));
    assert.equal(intent.status, 'succeeded', brand);
    assert.equal(intent.payment_method.card.brand, brand);
  }
});

test('attaches, pays with what is attached, and detaches for good', async () => {
  const customer = await stripe.customers.create({ name: 'Ada' });
  const attached = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  assert.notEqual(attached.id, 'pm_card_visa');
  assert.equal(attached.customer, customer.id);
  const list = await stripe.paymentMethods.list({ customer: customer.id, type: 'card' });
  assert.deepEqual(list.data.map((m) => m.id), [attached.id]);

  for (let i = 0; i < 2; i++) {
    const intent = await stripe.paymentIntents.create(payment({ customer: customer.id, payment_method: attached.id }));
    assert.equal(intent.status, 'succeeded');
    assert.equal(intent.customer, customer.id);
  }
  const detached = await stripe.paymentMethods.detach(attached.id);
  assert.equal(detached.customer, null);
  assert.equal((await stripe.paymentMethods.list({ customer: customer.id })).data.length, 0);
  const error = await refused(stripe.paymentMethods.attach(attached.id, { customer: customer.id }));
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.code, undefined);
});
