// Loaded into the server before anything else (node --require): writes how long its event loop stood still, once in 100 ms.
const { appendFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');

const file = process.env.CLOUDCODE_BENCH_LOOP_FILE;
const monitor = monitorEventLoopDelay({ resolution: 5 });
monitor.enable();
setInterval(() => {
  appendFileSync(file, `${Date.now()} ${monitor.max / 1e6}\n`);
  monitor.reset();
}, 100).unref();
