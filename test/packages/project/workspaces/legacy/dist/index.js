'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const names = require('./names.json');
const _ = require('lodash');

exports.names = () => _.sortBy(names);
exports.page = () => readFileSync(join(__dirname, '..', 'assets', 'page.html'), 'utf8');
exports.where = () => require.resolve('./names.json').split('/').slice(-2);
exports.default = { kind: 'default' };
