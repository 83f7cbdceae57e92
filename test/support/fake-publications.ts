import type { ByActor } from '../../src/domain/commands.js';
import { newReport, type PublicationReport, type PublishRequest } from '../../src/domain/publish.js';
import type { PublicationClient, RunningPublication } from '../../src/temporal/publication-client.js';

/** Publications without workflows: remembers what was asked, and how far each is said to be. */
export class FakePublications implements PublicationClient {
  /** Hosts whose upload worker is there. */
  readonly hosts = new Set(['host-1']);
  readonly started: { request: PublishRequest; hostTimeoutMs: number }[] = [];
  readonly cancelled: ({ publicationId: string } & ByActor)[] = [];
  readonly #reports = new Map<string, PublicationReport>();
  sendingBytes = 0;

  isHostThere(hostId: string): Promise<boolean> {
    return Promise.resolve(this.hosts.has(hostId));
  }

  startPublication(request: PublishRequest, hostTimeoutMs: number): Promise<void> {
    this.started.push({ request, hostTimeoutMs });
    const { publicationId } = request;
    if (!this.#reports.has(publicationId)) this.#reports.set(publicationId, newReport(request, 0));
    return Promise.resolve();
  }

  getPublication(executionId: string, publicationId: string): Promise<RunningPublication | null> {
    const report = this.#reports.get(publicationId);
    const { sendingBytes } = this;
    return Promise.resolve(report?.executionId === executionId ? { report, sendingBytes } : null);
  }

  cancelPublication(_executionId: string, publicationId: string, by: ByActor): Promise<boolean> {
    this.cancelled.push({ publicationId, ...by });
    return Promise.resolve(this.#reports.has(publicationId));
  }

  /** It has come so far. */
  progress(publicationId: string, change: Partial<PublicationReport>): void {
    const report = this.#reports.get(publicationId);
    if (report === undefined) throw new Error(`${publicationId} was not started`);
    this.#reports.set(publicationId, { ...report, ...change });
  }
}
