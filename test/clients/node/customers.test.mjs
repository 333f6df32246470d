import assert from 'node:assert/strict';
import test from 'node:test';
import { Stripe, refused, stripe, unique } from './client.mjs';

test('creates and retrieves a customer', async () => {
  const customer = await stripe.customers.create({
    name: 'Jenny Rosen',
    email: 'jenny@example.com',
    phone: '+1 555 0100',
    description: 'met at the fair',
    address: { line1: '510 Townsend St', city: 'San Francisco', country: 'US' },
    metadata: { level: 'gold', 'with space': 'ä ö ü €' },
  });
  assert.match(customer.id, /^cus_/);
  assert.equal(customer.object, 'customer');
  assert.equal(customer.name, 'Jenny Rosen');
  assert.equal(customer.address.line1, '510 Townsend St');
  assert.equal(customer.address.state, null);
  assert.deepEqual(customer.metadata, { level: 'gold', 'with space': 'ä ö ü €' });
  assert.ok(Math.abs(customer.created - Date.now() / 1000) < 60);
  const again = await stripe.customers.retrieve(customer.id);
  assert.deepEqual({ ...again }, { ...customer });
});

test('updates a customer: sets, clears, and leaves alone', async () => {
  const customer = await stripe.customers.create({ name: 'Ada', description: 'first', metadata: { a: '1', b: '2' } });
  const updated = await stripe.customers.update(customer.id, { name: 'Ada L.', description: '', metadata: { a: '', c: '3' } });
  assert.equal(updated.id, customer.id);
  assert.equal(updated.name, 'Ada L.');
  assert.equal(updated.description, null);
  assert.deepEqual(updated.metadata, { b: '2', c: '3' });
  assert.deepEqual({ ...(await stripe.customers.retrieve(customer.id)) }, { ...updated });
});

test('deletes a customer, once', async () => {
  const email = `${unique()}@example.com`;
  const customer = await stripe.customers.create({ email });
  const gone = { id: customer.id, object: 'customer', deleted: true };
  assert.deepEqual({ ...(await stripe.customers.del(customer.id)) }, gone);
  assert.deepEqual({ ...(await stripe.customers.retrieve(customer.id)) }, gone);
  assert.equal((await stripe.customers.list({ email })).data.length, 0);
  const again = await refused(stripe.customers.del(customer.id));
  assert.equal(again.statusCode, 404);
  assert.equal(again.code, 'resource_missing');
});

test('a customer that is not there', async () => {
  const error = await refused(stripe.customers.retrieve('cus_nobody'));
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.statusCode, 404);
  assert.equal(error.code, 'resource_missing');
  assert.equal(error.param, 'id');
  assert.match(error.message, /No such customer: 'cus_nobody'/);
});

test('pages through 25 customers, forwards and backwards', async () => {
  const email = `${unique()}@example.com`;
  const made = [];
  for (let n = 0; n < 25; n++) {
    made.unshift((await stripe.customers.create({ email, metadata: { n } })).id);
  }
  const first = await stripe.customers.list({ email });
  assert.equal(first.object, 'list');
  assert.equal(first.url, '/v1/customers');
  assert.equal(first.has_more, true);
  assert.deepEqual(first.data.map((c) => c.id), made.slice(0, 10));

  const forwards = [];
  for await (const customer of stripe.customers.list({ email, limit: 7 })) forwards.push(customer.id);
  assert.deepEqual(forwards, made);

  const backwards = [];
  for await (const customer of stripe.customers.list({ email, limit: 7, ending_before: made.at(-1) })) backwards.push(customer.id);
  assert.deepEqual(backwards, made.slice(0, -1).reverse());

  const exact = await stripe.customers.list({ email, limit: 25 });
  assert.equal(exact.has_more, false);
  assert.equal(exact.data.length, 25);
  const since = await stripe.customers.list({ email, created: { gte: exact.data.at(-1).created }, limit: 100 });
  assert.equal(since.data.length, 25);
  const before = await stripe.customers.list({ email, created: { lt: exact.data.at(-1).created } });
  assert.equal(before.data.length, 0);
});

test('pages through 250 customers', async () => {
  const email = `${unique()}@example.com`;
  const made = new Set();
  for (let n = 0; n < 250; n += 25) {
    const some = await Promise.all(Array.from({ length: 25 }, () => stripe.customers.create({ email })));
    for (const customer of some) made.add(customer.id);
  }
  assert.equal(made.size, 250);
  const seen = await stripe.customers.list({ email, limit: 100 }).autoPagingToArray({ limit: 1000 });
  assert.equal(seen.length, 250);
  assert.deepEqual(new Set(seen.map((c) => c.id)), made);
  assert.ok(seen.every((c, i) => i === 0 || c.created <= seen[i - 1].created));
});

test('a cursor that names nobody', async () => {
  const error = await refused(stripe.customers.list({ starting_after: 'cus_nobody' }));
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.statusCode, 400);
  assert.equal(error.code, 'resource_missing');
  assert.equal(error.param, 'starting_after');
});
