'use strict';
const { accessSync, constants } = require('fs');
const { join } = require('path');

const shell = '/bin/sh';

/**
 * As process 1 of a container: becomes the shell of process-1.sh, which runs this command again as its child and collects the processes that others leave behind. Node does not, and each would stay
 * as a zombie. Returns where that is not to be had, and has said so then.
 */
function standBehindReaper(program) {
  if (process.pid !== 1) return;
  // From Node 22.15 on.
  if (process.execve === undefined || !canExecute(shell)) {
    process.stderr.write(
      `cloudcode is process 1 here, and Node collects no processes whose parents have ended. Run the container with an init (docker run --init), or with ${process.execve === undefined ? 'Node 22.15 or later' : shell}.\n`,
    );
    return;
  }
  process.execve(
    shell,
    [shell, join(__dirname, 'process-1.sh'), process.execPath, ...process.execArgv, program, ...process.argv.slice(2)],
    process.env,
  );
}

function canExecute(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

module.exports = { standBehindReaper };
