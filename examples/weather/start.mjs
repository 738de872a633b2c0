// `npm start`: runs the weather import on a server of its own, shows how it goes, and keeps serving until Ctrl-C.
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openApi } from './start/api.mjs';
import { openImport } from './start/import.mjs';
import { followImport } from './start/progress.mjs';
import { openServer } from './start/server.mjs';
import { summarise } from './start/summary.mjs';

const folder = import.meta.dirname;
const cli = path.join(
  path.dirname(fileURLToPath(import.meta.resolve('cloudcode/package.json'))),
  'bin',
  'cloudcode.cjs',
);
const { values } = parseArgs({ options: { port: { type: 'string', default: '4000' } } });

process.stdout.on('error', () => {}); // whoever read our output may have been killed; the import goes on
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stopping.abort());

const status = await main().catch((error) => {
  console.error(error.message);
  return 1;
});
process.exit(status); // not by running out of work: watching over another start's server never does

async function main() {
  console.log('Starting the server …');
  const server = await openServer({ folder, cli, port: Number(values.port) });
  console.log(
    server.isNew
      ? `Serving at ${server.url}`
      : `A server of an earlier start runs at ${server.url} (process ${server.pid}); working with it.`,
  );
  try {
    // Whatever happens first: the work done and Ctrl-C, or the end of the server.
    const died = await Promise.race([server.ended, work(server).catch((error) => whyItFailed(error, server))]);
    if (died === undefined) return 0;
    console.error(`\n${died}`);
    return 1;
  } finally {
    if (server.isOurs) {
      console.log('\nDraining, at most 30 s …');
      await server.stop();
    } else {
      console.log('\nThe server runs on: it belongs to another start.');
    }
  }
}

/** A server that has just ended says more than the request that could not reach it. */
function whyItFailed(error, server) {
  return Promise.race([server.ended, sleep(1_000, error.message, { ref: false })]);
}

async function work(server) {
  if (stopping.signal.aborted) return; // Ctrl-C while the server started
  try {
    const api = openApi(server.url);
    const { importId, isNew } = await openImport(api);
    console.log(isNew ? `New import ${importId}` : `Going on with import ${importId}, which was not finished`);
    const runs = await followImport(api, importId, stopping.signal);
    console.log(summarise(runs, { url: server.url, folder }));
    console.log(`Serving at ${server.url} until Ctrl-C.`);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  }
  if (!stopping.signal.aborted) await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));
}
