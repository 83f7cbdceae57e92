import cliProgress from 'cli-progress';
import type { UploadEvent } from '../sdk/index.js';
import { humanBytes } from './format.js';
import { barOf, percentOf } from './progress.js';
import { columnsOfTerminal } from './terminal.js';
import { shorten } from './text-width.js';

const BAR_COLUMNS = 24;

/** `output/report.bin: UPLOADING, 45%, 72.0 MiB of 160 MiB, 9 of 20 parts, 12.0 MiB/s, 8 s left`. */
export function uploadLine({ artifact, ...progress }: UploadEvent): string {
  if (artifact.status === 'DELETED') return `${artifact.path}: DELETED`;
  if (artifact.status !== 'UPLOADING')
    return `${artifact.path}: ${artifact.status}, ${humanBytes(progress.receivedBytes)}`;
  const percent = progress.percent === null ? '' : `${progress.percent}%`;
  return [`${artifact.path}: UPLOADING`, percent, ...factsOf(progress)].filter((fact) => fact !== '').join(', ');
}

function factsOf(progress: Omit<UploadEvent, 'artifact'>): string[] {
  const { receivedBytes, totalBytes, parts, partCount, bytesPerSecond, etaSeconds } = progress;
  return [
    totalBytes === null ? humanBytes(receivedBytes) : `${humanBytes(receivedBytes)} of ${humanBytes(totalBytes)}`,
    partCount === null ? `${parts} parts` : `${parts} of ${partCount} parts`,
    bytesPerSecond === null ? '' : `${humanBytes(bytesPerSecond)}/s`,
    etaSeconds === null ? '' : `${timeOf(etaSeconds)} left`,
  ];
}

/** `8 s`, `2:05 min`, `1:02:05 h`. */
function timeOf(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds % 60)} h`;
  return minutes > 0 ? `${minutes}:${two(seconds % 60)} min` : `${seconds} s`;
}

/** A bar on a terminal. */
export function showUpload(stream: NodeJS.WriteStream): { update: (event: UploadEvent) => void; stop: () => void } {
  let text = '';
  const bar = new cliProgress.SingleBar({
    stream,
    format: (_options, { progress }) =>
      shorten(` ${barOf(progress, BAR_COLUMNS)} ${percentOf(progress)} ${text}`, columnsOfTerminal(stream) - 1),
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  let isShown = false;
  return {
    update: ({ artifact, ...progress }) => {
      text = [artifact.path, ...factsOf(progress)].filter((fact) => fact !== '').join(', ');
      if (!isShown) bar.start(100, 0);
      isShown = true;
      bar.update(progress.percent ?? 0);
    },
    stop: () => {
      if (isShown) bar.stop();
    },
  };
}
