import { defineConfig } from 'cloudcode';

/** Every fourth queue, of the first 400, lets the others by while a run of it is in back-off: there a takeover is followed by the next run at once. */
const skipping = Array.from({ length: 100 }, (_, index) => [`queue ${4 * (index + 1)}`, { onRetry: 'skip' }] as const);

export default defineConfig({ queues: Object.fromEntries(skipping) });
