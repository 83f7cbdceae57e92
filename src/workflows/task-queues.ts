/** Queue of webhooks: their activities only wait for others, and must not take the places of those that work on artifacts. */
export const WEBHOOK_TASK_QUEUE = 'artifact-webhooks';
