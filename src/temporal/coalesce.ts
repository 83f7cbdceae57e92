interface Flight {
  beganMs: number;
  current: Promise<void>;
  /** For those who came too late for the current one. */
  next: Promise<void> | null;
}

export interface CoalesceOptions {
  /** A message also says what happens less than this after it began. Default 0. */
  coversMs?: number;
  /** Never goes back. */
  nowMs?: () => number;
}

/**
 * Lets many callers share the sending of one message that says the same for all of them: all that come for the same key when one is
 * on its way, and too late for what it covers, wait for the next one together. So whoever returns was told of by a message that covers
 * the moment of its call. One call alone is sent at once. What a sending throws reaches everybody who shared it.
 */
export function coalesced(
  send: (key: string) => Promise<void>,
  { coversMs = 0, nowMs = () => performance.now() }: CoalesceOptions = {},
): (key: string) => Promise<void> {
  const flights = new Map<string, Flight>();

  function begin(key: string): Promise<void> {
    const flight: Flight = { beganMs: nowMs(), current: send(key), next: null };
    flights.set(key, flight);
    const forget = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    const land = (): void => {
      if (flight.next !== null) return;
      const leftMs = flight.beganMs + coversMs - nowMs();
      if (leftMs > 0) setTimeout(forget, leftMs).unref();
      else forget();
    };
    flight.current.then(land, forget);
    return flight.current;
  }

  return (key) => {
    const flight = flights.get(key);
    if (flight === undefined) return begin(key);
    if (nowMs() - flight.beganMs < coversMs) return flight.current;
    const after = (): Promise<void> => begin(key);
    flight.next ??= flight.current.then(after, after);
    return flight.next;
  };
}
