async function run() {}

process.once('message', async (parameters) => {
  const result = await run(parameters);
  process.send({ result }, () => process.disconnect());
});
