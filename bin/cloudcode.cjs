#!/usr/bin/env node
'use strict';
// An older Node must be able to read this, and ./newer-node.cjs, to start a newer one or to say what is wrong.
const { isNewEnough, launch, obeyLauncher } = require('./newer-node.cjs');
if (isNewEnough(process.versions.node)) {
  obeyLauncher();
  import('../dist/cli.js');
} else {
  launch();
}
