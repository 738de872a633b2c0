import { defineConfig } from 'cloudcode';

/** start.mjs sets the address of its payment service; the tasks see it in `process.env`. */
export default defineConfig({
  environments: { testing: { variables: { PAYMENT_URL: process.env.PAYMENT_URL ?? 'http://127.0.0.1:4711' } } },
});
