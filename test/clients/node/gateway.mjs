// The official client as it is, with Stripe's own hosts. Its connections are led
// to the gateway; which certificate it takes there is Node's own decision.
import https from 'node:https';
import Stripe from 'stripe';

const [host, port] = process.env.FLORIN_GATEWAY.split(':');
const called = new Set();

class Led extends https.Agent {
  createConnection(options, done) {
    if (Number(options.port) !== 443) throw new Error(`the client calls port ${options.port}`);
    called.add(options.host);
    return super.createConnection({ ...options, host, port: Number(port), servername: options.host }, done);
  }
}

const stripe = new Stripe(process.env.FLORIN_SECRET_KEY, { httpAgent: new Led(), maxNetworkRetries: 0 });
const paid = await stripe.paymentIntents.create({
  amount: 2000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true, payment_method_types: ['card'],
});
try {
  await stripe.files.create({ purpose: 'dispute_evidence', file: { data: Buffer.from('evidence'), name: 'a.txt', type: 'text/plain' } });
} catch (error) {
  if (!error.requestId) throw error; // Florin has answered, whether or not it takes the file
}
console.log(paid.status, ...[...called].sort());
