#!/usr/bin/env node
'use strict';
// An older Node must be able to read this, and what it requires, to start a newer one or to say what is wrong.
const { isNewEnough, launch, obeyLauncher } = require('./newer-node.cjs');
const { standBehindReaper } = require('./process-1.cjs');

standBehindReaper(__filename);
if (isNewEnough(process.versions.node)) {
  obeyLauncher();
  import('../dist/cli.js');
} else {
  launch();
}
