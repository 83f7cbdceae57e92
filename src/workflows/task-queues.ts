/** Queue of webhooks: their activities only wait for others, and must not take the places of those that work on artifacts. */
export const WEBHOOK_TASK_QUEUE = 'artifact-webhooks';
/** Queue of read-backs after an upload: each takes as long as its file is large, and nobody waits for it. */
export const READ_BACK_TASK_QUEUE = 'artifact-read-backs';
