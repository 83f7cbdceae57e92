/** How an update is sent under an id, and what came of one that was. */
export interface Updates<T> {
  send(updateId: string): Promise<T>;
  /** Waits for one that is under way. Null: nobody has sent it. @throws what it failed with. */
  outcomeOf(updateId: string): Promise<{ value: T } | null>;
  /** Does this failure say to try again? */
  isTransient(error: unknown): boolean;
}

/** After so many failures under one key, the last of them is the answer. */
export const MOST_TRIES = 50;

/**
 * Sends an update that was not sent under this key before, or answers with what came of it. Temporal remembers failures as well; one
 * that says to try again must not be the answer to whoever does, so the update after it goes under the next id.
 */
export async function once<T>(key: string, updates: Updates<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const updateId = `${key}.${tries}`;
    try {
      const outcome = await updates.outcomeOf(updateId);
      if (outcome !== null) return outcome.value;
    } catch (error) {
      if (!updates.isTransient(error) || tries === MOST_TRIES) throw error;
      continue;
    }
    return updates.send(updateId);
  }
}
