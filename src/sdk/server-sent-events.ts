interface ServerSentEvent {
  id: string | null;
  event: string;
  /** Empty for a block that only has a hint. */
  data: string;
  /** The server's wish for the pause before a new connection. */
  retryMs: number | null;
}

/**
 * Reads an answer of type text/event-stream (HTML standard, "server-sent events"), as our API writes it: lines end with `\n`.
 * @param onBytes called for whatever comes, comments too.
 */
export async function* serverSentEvents(response: Response, onBytes: () => void): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body ?? []) {
    onBytes();
    const blocks = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) yield parse(block);
  }
}

function parse(block: string): ServerSentEvent {
  const parsed: ServerSentEvent = { id: null, event: 'message', data: '', retryMs: null };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, name = '', value = ''] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (name === 'id') parsed.id = value;
    if (name === 'event') parsed.event = value;
    if (name === 'data') data.push(value);
    if (name === 'retry' && /^\d+$/.test(value)) parsed.retryMs = Number(value);
  }
  return { ...parsed, data: data.join('\n') };
}
