import assert from 'node:assert/strict';
import test from 'node:test';
import { Stripe, card, payment, refused, stripe } from './client.mjs';

// Source: https://docs.stripe.com/testing and https://docs.stripe.com/declines
const declines = [
  { method: 'pm_card_visa_chargeDeclined', number: '4000000000000002', code: 'card_declined', decline: 'generic_decline', advice: 'try_again_later' },
  { method: 'pm_card_chargeDeclined', number: '4000000000000002', code: 'card_declined', decline: 'generic_decline', advice: 'try_again_later' },
  { method: 'pm_card_visa_chargeDeclinedInsufficientFunds', number: '4000000000009995', code: 'card_declined', decline: 'insufficient_funds', advice: 'try_again_later' },
  { method: 'pm_card_visa_chargeDeclinedLostCard', number: '4000000000009987', code: 'card_declined', decline: 'lost_card', advice: 'do_not_try_again' },
  { method: 'pm_card_visa_chargeDeclinedStolenCard', number: '4000000000009979', code: 'card_declined', decline: 'stolen_card', advice: 'do_not_try_again' },
  { method: 'pm_card_chargeDeclinedExpiredCard', number: '4000000000000069', code: 'expired_card', decline: 'expired_card', advice: 'confirm_card_data', param: 'exp_month' },
  { method: 'pm_card_chargeDeclinedIncorrectCvc', number: '4000000000000127', code: 'incorrect_cvc', decline: 'incorrect_cvc', advice: 'confirm_card_data', param: 'cvc' },
  { method: 'pm_card_chargeDeclinedProcessingError', number: '4000000000000119', code: 'processing_error', decline: 'processing_error', advice: 'try_again_later' },
  { method: 'pm_card_visa_chargeDeclinedVelocityLimitExceeded', number: '4000000000006975', code: 'card_declined', decline: 'card_velocity_exceeded' },
  { method: 'pm_card_chargeDeclinedFraudulent', code: 'card_declined', decline: 'fraudulent' },
];

function check(error, want) {
  assert.ok(error instanceof Stripe.errors.StripeCardError, `${error?.name}: ${error?.message}`);
  assert.equal(error.type, 'StripeCardError');
  assert.equal(error.rawType, 'card_error');
  assert.equal(error.statusCode, 402);
  assert.equal(error.code, want.code);
  assert.equal(error.decline_code, want.decline);
  assert.equal(error.raw.advice_code, want.advice); // older clients have no field for it
  assert.equal(error.param, want.param);
  assert.match(error.message, /\w/);
  assert.match(error.charge, /^ch_/);
  assert.match(error.requestId, /^req_/);
}

for (const want of declines) {
  test(`${want.method} is declined: ${want.decline}`, async () => {
    const error = await refused(stripe.paymentIntents.create(payment({ payment_method: want.method })));
    check(error, want);
    const left = error.payment_intent;
    assert.equal(left.object, 'payment_intent');
    assert.equal(left.status, 'requires_payment_method');
    assert.equal(left.last_payment_error.code, want.code);
    assert.equal(left.last_payment_error.decline_code, want.decline);
    assert.equal(left.last_payment_error.payment_method.type, 'card');
    assert.equal(left.latest_charge, error.charge);

    const charge = await stripe.charges.retrieve(error.charge);
    assert.equal(charge.status, 'failed');
    assert.equal(charge.paid, false);
    assert.equal(charge.failure_code, want.code);
    assert.equal(charge.balance_transaction, null);

    const intent = await stripe.paymentIntents.confirm(left.id, { payment_method: 'pm_card_visa' });
    assert.equal(intent.status, 'succeeded');
    assert.equal(intent.last_payment_error, null);
  });

  if (!want.number) continue;
  test(`the card ${want.number} is declined: ${want.decline}`, async () => {
    const method = await stripe.paymentMethods.create({ type: 'card', card: { ...card, number: want.number } });
    const intent = await stripe.paymentIntents.create({ amount: 900, currency: 'usd' });
    const error = await refused(stripe.paymentIntents.confirm(intent.id, { payment_method: method.id }));
    check(error, want);
    assert.equal(error.payment_intent.id, intent.id);
    assert.equal(error.payment_method.id, method.id);
  });
}

// These are refused when the card is typed in, before anybody is asked.
const mistyped = [
  { what: 'a number that fails the checksum', card: { number: '4242424242424241' }, code: 'incorrect_number', param: 'number' },
  { what: 'month 13', card: { exp_month: 13 }, code: 'invalid_expiry_month', param: 'exp_month' },
  { what: 'a year that is over', card: { exp_year: 1995 }, code: 'invalid_expiry_year', param: 'exp_year' },
  { what: 'a security code of two digits', card: { cvc: '99' }, code: 'invalid_cvc', param: 'cvc' },
];

for (const want of mistyped) {
  test(`refuses ${want.what}`, async () => {
    const typed = { ...card, ...want.card };
    for (const call of [
      () => stripe.tokens.create({ card: typed }),
      () => stripe.paymentMethods.create({ type: 'card', card: typed }),
    ]) {
      const error = await refused(call());
      assert.ok(error instanceof Stripe.errors.StripeCardError, `${error.name}: ${error.message}`);
      assert.equal(error.code, want.code);
      assert.match(error.param, new RegExp(want.param));
      assert.ok(!error.message.includes(typed.number), 'the message repeats the number');
    }
  });
}

test('a card that can be attached and not charged', async () => {
  const customer = await stripe.customers.create();
  const method = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: customer.id });
  const error = await refused(stripe.paymentIntents.create(payment({ customer: customer.id, payment_method: method.id })));
  assert.ok(error instanceof Stripe.errors.StripeCardError);
  assert.equal(error.code, 'card_declined');
});

test('a card that is declined cannot be attached', async () => {
  const customer = await stripe.customers.create();
  const error = await refused(stripe.paymentMethods.attach('pm_card_visa_chargeDeclined', { customer: customer.id }));
  assert.ok(error instanceof Stripe.errors.StripeCardError);
  assert.equal(error.code, 'card_declined');
  assert.equal((await stripe.paymentMethods.list({ customer: customer.id })).data.length, 0);
});
