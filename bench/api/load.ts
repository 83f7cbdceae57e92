import autocannon from 'autocannon';

/** A request that is sent again and again. */
export interface Target {
  url: string;
  method?: 'GET' | 'POST';
  token?: string;
}

const CONNECTIONS = 32;
const SECONDS = 5;

/** Requests per second that are answered, over 32 connections. @throws when any of them is not answered with 2xx. */
export async function load({ url, method = 'GET', token }: Target): Promise<number> {
  const result = await autocannon({
    url,
    method,
    connections: CONNECTIONS,
    duration: SECONDS,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} refused, ${result.errors} broken of ${result['2xx']}`);
  return result['2xx'] / result.duration;
}
