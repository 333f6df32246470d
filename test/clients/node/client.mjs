import { Agent } from 'node:http';

// An official client, pointed at a Florin, and nothing else changed. FLORIN_SDK
// names the package: "stripe", the newest, or "stripe-15", which is of the time
// before the release trains.
export const sdk = process.env.FLORIN_SDK ?? 'stripe';
const { default: Stripe } = await import(sdk);

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are run by "go test ./test/clients"`);
  return value;
}

const url = new URL(needed('FLORIN_URL'));

// connect makes a client with a key.
export function connect(key, more) {
  return new Stripe(key, { host: url.hostname, port: Number(url.port), protocol: 'http', ...more });
}

const secretKey = needed('FLORIN_SECRET_KEY');

export const stripe = connect(secretKey);
export const browser = connect(needed('FLORIN_PUBLISHABLE_KEY'));
export { Stripe };

// withOwnConnections gives a client whose connections are closed after its use.
export async function withOwnConnections(use) {
  const httpAgent = new Agent({ keepAlive: true });
  try {
    await use(connect(secretKey, { httpAgent }));
  } finally {
    httpAgent.destroy();
  }
}

// payment is what a payment by card is made of; more adds and replaces.
export function payment(more) {
  return {
    amount: 2000,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    ...more,
  };
}

// refused gives the error of a call that must fail.
export async function refused(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('the call was expected to fail, and succeeded');
}

// unique is a text that no other test uses.
export function unique() {
  return crypto.randomUUID();
}

export const card = { number: '4242424242424242', exp_month: 12, exp_year: 2044, cvc: '123' };
