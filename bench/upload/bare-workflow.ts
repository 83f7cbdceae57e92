import { proxyActivities } from '@temporalio/workflow';

interface Steps {
  first(text: string): Promise<string>;
  second(text: string): Promise<string>;
}

const { first, second } = proxyActivities<Steps>({ startToCloseTimeout: '1m' });

export async function twoActivities(text: string): Promise<string> {
  return second(await first(text));
}
