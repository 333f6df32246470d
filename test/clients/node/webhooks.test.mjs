import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';
import { Stripe, payment, sdk, stripe } from './client.mjs';

// shop is a server that keeps what it is told.
async function shop() {
  const hooks = [];
  let told;
  const first = new Promise((resolve) => (told = resolve));
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      response.end();
      hooks.push({ body, headers: request.headers });
      told(hooks[0]);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/hook`, first, hooks, close: () => (server.closeAllConnections(), server.close()) };
}

test('a webhook at the version of the client is verified and read', { timeout: 60_000 }, async () => {
  const at = await shop();
  const version = stripe.getApiField('version');
  try {
    const endpoint = await stripe.webhookEndpoints.create({ url: at.url, enabled_events: ['payment_intent.succeeded'], api_version: version });
    assert.equal(endpoint.api_version, version);
    assert.match(endpoint.secret, /^whsec_/);
    const intent = await stripe.paymentIntents.create(payment({ amount: 1300 }));
    const { body, headers } = await at.first;
    const signature = headers['stripe-signature'];
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');

    const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
    assert.equal(event.type, 'payment_intent.succeeded');
    assert.equal(event.api_version, version);
    assert.equal(event.data.object.id, intent.id);
    assert.equal(event.data.object.amount, 1300);
    assert.equal(event.data.object.latest_charge, intent.latest_charge);
    assert.equal('invoice' in event.data.object, sdk === 'stripe-15', 'the shape is that of the version');
    assert.deepEqual(await stripe.webhooks.constructEventAsync(body, signature, endpoint.secret), event);

    const wrong = Stripe.errors.StripeSignatureVerificationError;
    assert.throws(() => stripe.webhooks.constructEvent(body.replace('1300', '1301'), signature, endpoint.secret), wrong);
    assert.throws(() => stripe.webhooks.constructEvent(body, signature, `${endpoint.secret}x`), wrong);
    const late = Math.floor(Date.now() / 1000) + 3600;
    assert.throws(() => stripe.webhooks.constructEvent(body, signature, endpoint.secret, 300, undefined, late * 1000), wrong);
    assert.deepEqual({ ...(await stripe.webhookEndpoints.del(endpoint.id)) }, { id: endpoint.id, object: 'webhook_endpoint', deleted: true });
  } finally {
    at.close();
  }
});
