import { defineConfig } from 'cloudcode';

export default defineConfig({
  // Limits for every task that does not export a `config` of its own.
  defaults: { timeoutMs: 5 * 60_000, memoryMb: 1024, maxAttempts: 5 },
  environments: {
    testing: { variables: { GREETING: 'Hello' } },
  },
});
