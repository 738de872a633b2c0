// Loaded into the server before anything else (node --require): writes by how much each turn of its event loop was late, and the latest of them, once in 100 ms.
const { appendFileSync } = require('node:fs');

const file = process.env.CLOUDCODE_BENCH_LOOP_FILE;
const everyMs = 5;
let delays = [];
let last = process.hrtime.bigint();

setInterval(() => {
  const now = process.hrtime.bigint();
  delays.push(Math.max(0, Number(now - last) / 1e6 - everyMs));
  last = now;
}, everyMs).unref();
setInterval(() => {
  appendFileSync(file, `${Date.now()} ${Math.max(0, ...delays)} ${delays.map((each) => each.toFixed(2)).join(' ')}\n`);
  delays = [];
}, 100).unref();
