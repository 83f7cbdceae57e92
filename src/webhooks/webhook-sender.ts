/** Sends messages to the receivers that the configuration names. */
export interface WebhookSender {
  /** Names of the receivers, each once: host and a hash of the URL, as a URL may hold a secret. */
  readonly receivers: readonly string[];
  /**
   * Posts one signed message. Redirects are not followed, and the body of the answer is nobody's business.
   * @throws `webhook_not_accepted` when there is no answer within 10 s; `webhook_address_refused` when the receiver has an address that
   * is not public and may not be called: then nothing was sent.
   */
  send(receiver: string, message: SignableMessage, options?: { signal?: AbortSignal }): Promise<WebhookAnswer>;
}

export interface SignableMessage {
  /** The same for every attempt. */
  id: string;
  /** JSON. */
  body: string;
}

export interface WebhookAnswer {
  /** HTTP status; 2xx means accepted. */
  status: number;
  /** What `Retry-After` asks for, if it does. */
  retryAfterMs: number | null;
}
