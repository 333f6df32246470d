import assert from 'node:assert/strict';
import test from 'node:test';
import { payment, refused, sdk, stripe } from './client.mjs';

// press opens the page that a payer is sent to, presses one of its buttons as a
// browser without scripts would, and gives where the payer is sent in the end.
async function press(intent, button) {
  assert.equal(intent.status, 'requires_action');
  assert.equal(intent.next_action.type, 'redirect_to_url');
  const at = new URL(intent.next_action.redirect_to_url.url);
  const page = await fetch(at);
  assert.equal(page.status, 200);
  const html = await page.text();
  assert.ok(!/<script/i.test(html), 'the page needs no script');
  const action = new URL(/<form[^>]*action="([^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? at, at);
  const found = [...html.matchAll(/<button[^>]*>[^<]*/g)].map((m) => m[0]).find((b) => b.endsWith(button));
  assert.ok(found, `no button ${button} on ${html}`);
  const form = new URLSearchParams([[/name="([^"]*)"/.exec(found)[1], /value="([^"]*)"/.exec(found)[1]]]);
  let answer = await fetch(action, { method: 'POST', body: form, redirect: 'manual' });
  for (let hops = 0; hops < 3; hops++) {
    assert.equal(answer.status, 303);
    const to = new URL(answer.headers.get('location'), action);
    if (to.hostname === 'shop.example') return to;
    answer = await fetch(to, { redirect: 'manual' });
  }
  throw new Error('the payer never comes back to the shop');
}

const withReturn = (more) =>
  payment({ automatic_payment_methods: { enabled: true }, return_url: 'https://shop.example/done', payment_method: 'pm_card_authenticationRequired', ...more });

test('a payer who authorizes pays', async () => {
  const intent = await stripe.paymentIntents.create(withReturn());
  const back = await press(intent, 'Authorize');
  assert.equal(back.searchParams.get('payment_intent'), intent.id);
  assert.equal(back.searchParams.get('payment_intent_client_secret'), intent.client_secret);
  const paid = await stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge'] });
  assert.equal(paid.status, 'succeeded');
  assert.equal(paid.next_action, null);
  assert.equal(paid.latest_charge.payment_method_details.card.three_d_secure.result, 'authenticated');
});

test('a payer who fails does not pay, and may try again', async () => {
  const intent = await stripe.paymentIntents.create(withReturn());
  await press(intent, 'Fail');
  const failed = await stripe.paymentIntents.retrieve(intent.id);
  assert.equal(failed.status, 'requires_payment_method');
  assert.equal(failed.last_payment_error.code, 'payment_intent_authentication_failure');
  const again = await stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa', return_url: 'https://shop.example/done' });
  assert.equal(again.status, 'succeeded');
});

test('a payment that is confirmed by hand waits for the server after the payer', async () => {
  const intent = await stripe.paymentIntents.create(withReturn({ confirmation_method: 'manual' }));
  await press(intent, 'Authorize');
  const waiting = await stripe.paymentIntents.retrieve(intent.id);
  assert.equal(waiting.status, 'requires_confirmation');
  const paid = await stripe.paymentIntents.confirm(intent.id);
  assert.equal(paid.status, 'succeeded');
});

test('a payer who is away is declined, and so is one who must not be asked', async () => {
  const customer = await stripe.customers.create();
  const away = await refused(stripe.paymentIntents.create(withReturn({ off_session: true, customer: customer.id })));
  assert.deepEqual([away.constructor.name, away.statusCode, away.code, away.decline_code], ['StripeCardError', 402, 'authentication_required', 'authentication_required']);
  const asked = await refused(stripe.paymentIntents.create(withReturn({ error_on_requires_action: true })));
  assert.deepEqual([asked.statusCode, asked.code, asked.decline_code], [402, 'authentication_required', 'authentication_not_handled']);
});

test('a card is set up for later by its holder', async () => {
  const customer = await stripe.customers.create();
  const setup = await stripe.setupIntents.create({
    customer: customer.id,
    payment_method: 'pm_card_authenticationRequiredOnSetup',
    confirm: true,
    return_url: 'https://shop.example/done',
    automatic_payment_methods: { enabled: true },
  });
  const back = await press(setup, 'Authorize');
  assert.equal(back.searchParams.get('setup_intent'), setup.id);
  const done = await stripe.setupIntents.retrieve(setup.id);
  assert.equal(done.status, 'succeeded');
  const later = await stripe.paymentIntents.create(payment({ customer: customer.id, payment_method: done.payment_method, off_session: true }));
  assert.equal(later.status, 'succeeded', sdk);
});
