// The server: `cloudcode start` as a process of its own, or the one that an earlier start has left running.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isReady } from './api.mjs';

// Longer than the embedded PostgreSQL is waited for, so that its own error is what is told.
const readyWithinMs = 90_000;

/** `{ url, pid, isOurs, ended, stop() }`; `ended` resolves to a sentence when the server is no longer there. */
export async function openServer({ folder, cli, port }) {
  mkdirSync(path.join(folder, 'output'), { recursive: true });
  return (await findServer(folder)) ?? startServer({ folder, cli, port: await findPort(port) });
}

/** A second `npm start`, or one after only npm was killed: the first one's server lives on, so work with it. */
async function findServer(folder) {
  const record = readRecord(folder);
  if (record === undefined || !isAlive(record.pid) || !(await isReady(record.url))) return undefined;
  // Whose starter is gone is taken over: Ctrl-C here ends it.
  const isOurs = !isAlive(record.starterPid);
  if (isOurs) writeRecord(folder, record);
  const ended = (async () => {
    while (isAlive(record.pid)) await sleep(250);
    return 'The server has ended.';
  })();
  const stop = async () => {
    if (!isOurs) return;
    if (isAlive(record.pid)) process.kill(record.pid, 'SIGTERM');
    await ended;
  };
  return { url: record.url, pid: record.pid, isOurs, isNew: false, ended, stop };
}

async function startServer({ folder, cli, port }) {
  const url = `http://127.0.0.1:${port}`;
  const logFile = path.join(folder, 'output', 'server.log');
  const log = openSync(logFile, 'w');
  // Straight into a file: the server must not notice when this process goes away.
  const child = spawn(process.execPath, [cli, 'start', '--project', folder, '--port', String(port)], {
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  const ended = once(child, 'exit').then(
    ([status, signal]) => `The server has ended with ${signal ?? `exit status ${status}`}:\n${lastLines(logFile)}`,
  );

  const deadline = Date.now() + readyWithinMs;
  let over;
  void ended.then((reason) => {
    over = reason;
  });
  while (!(await isReady(url))) {
    if (over !== undefined) throw new Error(over);
    if (Date.now() > deadline) {
      child.kill('SIGTERM');
      throw new Error(`The server was not ready within ${readyWithinMs / 1000} s:\n${lastLines(logFile)}`);
    }
    await sleep(50);
  }
  writeRecord(folder, { url, pid: child.pid });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url, pid: child.pid, isOurs: true, isNew: true, ended, stop };
}

/** The wanted port, or the next free one. */
async function findPort(wanted) {
  for (let port = wanted; port < wanted + 50; port += 1) {
    const probe = createServer();
    const isFree = await new Promise((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    const found = probe.address().port;
    probe.close();
    await once(probe, 'close');
    return found;
  }
  throw new Error(`None of the ports ${wanted} to ${wanted + 49} is free: name another with --port.`);
}

const recordFile = (folder) => path.join(folder, 'output', 'server.json');

function readRecord(folder) {
  try {
    return JSON.parse(readFileSync(recordFile(folder), 'utf8'));
  } catch {
    return undefined; // never started, or killed while writing: start anew
  }
}

function writeRecord(folder, { url, pid }) {
  writeFileSync(recordFile(folder), JSON.stringify({ url, pid, starterPid: process.pid }));
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function lastLines(file) {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-12)
    .map((line) => `  ${line}`)
    .join('\n');
}
