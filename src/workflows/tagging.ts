import { tagsChanged } from '../domain/changes.js';
import type { SetTags } from '../domain/commands.js';
import { isSameTags, tagsAfter } from '../domain/tags.js';
import { tagObject } from './activity-proxies.js';
import { retryDelayMs, type Life } from './life.js';

/**
 * The row first, which is what counts; its object follows, at once or as soon as the store answers. So neither can stay behind the other for
 * good, also when an answer is lost in between.
 */
export async function setTags(life: Life, message: SetTags): Promise<void> {
  const { record } = life.state;
  const tags = tagsAfter(record.tags, message);
  if (!isSameTags(record.tags, tags)) await life.write(tagsChanged(record, tags, message.actor));
  await followTags(life);
}

/** Gives the object the tags of its row, if it lacks them; tried again later as long as the store does not answer. */
export async function followTags(life: Life): Promise<void> {
  const { untagged, record } = life.state;
  if (untagged === undefined) return;
  try {
    await tagObject(record);
    const { untagged: _done, ...rest } = life.state;
    life.state = rest;
    life.clearProblem();
  } catch (error) {
    life.noteProblem(error);
    const failures = untagged.failures + 1;
    life.state = { ...life.state, untagged: { failures, nextTryMs: Date.now() + retryDelayMs(failures) } };
  }
}
