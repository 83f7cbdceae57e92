/** A server process of the local stack or of a test. */
export interface RunningServer {
  /** Where it answers: `http://127.0.0.1:7070`, or host:port for protocols without a scheme. */
  url: string;
  /** Process id of the child; null when the server was running before and is not ours to end. */
  pid: number | null;
  /** Ends the child (SIGTERM, then SIGKILL) and resolves when it is gone. Safe to repeat. */
  stop(): Promise<void>;
}

/** A server of the local stack cannot be found, built or started. The message tells what to do about it. */
export class LocalServerError extends Error {
  override readonly name = 'LocalServerError';
}
