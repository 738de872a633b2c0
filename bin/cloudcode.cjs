#!/usr/bin/env node
'use strict';
// Plain old syntax on purpose: an older Node must be able to read this far, to say what is wrong.
var version = process.versions.node.split('.').map(Number);
if (version[0] < 22 || (version[0] === 22 && version[1] < 12)) {
  process.stderr.write('cloudcode needs Node 22.12 or later; this is Node ' + process.versions.node + '.\n');
  process.exit(2);
}
import('../dist/cli.js');
