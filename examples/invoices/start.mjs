// `npm start`: writes the invoices, charges them, and says what became of them. Run it again: nothing is charged twice.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPaymentService } from './src/payment-service.mjs';

const cli = path.join(
  path.dirname(fileURLToPath(import.meta.resolve('cloudcode/package.json'))),
  'bin',
  'cloudcode.cjs',
);
const service = await startPaymentService();
console.log(`A payment service that now and then fails runs at ${service.url}.\n`);
try {
  const began = await cloudcode('run', 'begin', '--drain', '--json');
  console.log(`\n${began.result.written} invoices were written, and each was charged in a run of its own.`);
  const { result } = await cloudcode('run', 'report', '--json');
  const twice = service.charges.length - new Set(service.charges.map(({ number }) => number)).size;
  console.log(
    `Of ${result.invoices} invoices ${result.complete} are charged, ${result.retried} of them at a later try. The service took money ${service.charges.length} times this time; ${twice} invoices were charged twice.`,
  );
  for (const line of result.open) console.log(`open: ${line}`);
  process.exitCode = result.open.length === 0 && twice === 0 ? 0 : 1;
} finally {
  service.close();
}

/** Runs a command on this project, and gives what it answers. */
async function cloudcode(...args) {
  const child = spawn(process.execPath, [cli, ...args, '--project', import.meta.dirname], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PAYMENT_URL: service.url },
  });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  if (text === '') throw new Error(`cloudcode ${args.join(' ')} gave no answer`);
  return JSON.parse(text);
}
