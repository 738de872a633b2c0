/** Asks again until there is an answer; an error after `withinMs`. */
export async function until<Answer>(
  withinMs: number,
  what: string,
  ask: () => Promise<Answer | null> | Answer | null,
): Promise<Answer> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
