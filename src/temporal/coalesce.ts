/**
 * Lets many callers share the sending of one message that says the same for all of them: while one is on its way, all that come for
 * the same key wait for the next one together. So whoever returns was told of by a message that began after its call. One call alone is
 * sent at once. What a sending throws reaches everybody who shared it.
 */
export function coalesced(send: (key: string) => Promise<void>): (key: string) => Promise<void> {
  const flights = new Map<string, { current: Promise<void>; next: Promise<void> | null }>();

  function begin(key: string): Promise<void> {
    const flight = { current: send(key), next: null as Promise<void> | null };
    flights.set(key, flight);
    const land = (): void => {
      if (flight.next === null) flights.delete(key);
    };
    flight.current.then(land, land);
    return flight.current;
  }

  return (key) => {
    const flight = flights.get(key);
    if (flight === undefined) return begin(key);
    const after = (): Promise<void> => begin(key);
    flight.next ??= flight.current.then(after, after);
    return flight.next;
  };
}
