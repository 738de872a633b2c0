import Stripe from 'stripe';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const { hostname, port } = new URL(url);
    const stripe = new Stripe('sk_test_1', { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
    const customer = await stripe.customers.create({ email: 'a@example.org' });
    const payload = JSON.stringify({ id: 'evt_1', object: 'event' });
    const header = stripe.webhooks.generateTestHeaderString({ payload, secret: 'whsec' });
    return { id: customer.id, event: stripe.webhooks.constructEvent(payload, header, 'whsec').id, requests };
  }, JSON.stringify({ id: 'cus_1', object: 'customer' }));
}
