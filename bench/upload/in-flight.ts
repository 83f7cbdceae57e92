/** Runs something `count` times, `most` of them at once. */
export async function inFlight(count: number, most: number, run: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: most }, worker));
}
