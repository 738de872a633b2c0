// Runs one task's file in plain Node: `node plain-main.ts FILE PARAMETERS ANSWER`.
import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';

const [file = '', parameters = '{}', answerFile = ''] = argv.slice(2);
let answer: unknown;
try {
  const { run } = (await import(pathToFileURL(file).href)) as { run: (parameters: unknown) => Promise<unknown> };
  answer = { value: (await run(JSON.parse(parameters))) ?? null, error: null };
} catch (error) {
  answer = { value: null, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}
writeFileSync(answerFile, JSON.stringify(answer));
process.exit();
