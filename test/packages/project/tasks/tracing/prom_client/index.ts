import { Counter, Registry } from 'prom-client';

export async function run() {
  const registry = new Registry();
  new Counter({ name: 'jobs_total', help: 'jobs', registers: [registry] }).inc(3);
  return registry.metrics();
}
