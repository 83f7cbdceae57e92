import type { Link, OpenApiDocument } from './document.js';

/** What can be done next with an artifact, once its id is known. */
const WITH_ARTIFACT = [
  'getArtifact',
  'getUploadStatus',
  'signParts',
  'completeUpload',
  'abortUpload',
  'getHistory',
  'getPlan',
  'createDownloadUrl',
  'getContent',
  'headContent',
  'setRetention',
  'replaceTags',
  'changeTags',
  'addHold',
  'listHolds',
  'shareArtifact',
  'listShares',
  'archiveArtifact',
  'restoreArtifact',
  'deleteArtifact',
  'undeleteArtifact',
] as const;

const fromBody = (pointer: string): string => `$response.body#${pointer}`;

const to = (operationId: string, parameters: Record<string, string>): Record<string, Link> => ({
  [operationId]: { operationId, parameters },
});

const artifactLinks = (pointer: string, operations: readonly string[] = WITH_ARTIFACT): Record<string, Link> =>
  Object.assign({}, ...operations.map((operation) => to(operation, { id: fromBody(pointer) }))) as Record<string, Link>;

const ofExecution = { executionId: '$request.path.executionId' };
const publicationLinks = (pointer: string): Record<string, Link> => {
  const parameters = { ...ofExecution, publicationId: fromBody(pointer) };
  return { ...to('getPublication', parameters), ...to('cancelPublication', parameters) };
};

/** Links of an answer, by operation and status: what it tells is what the linked operation asks for. */
const LINKS: Readonly<Record<string, Readonly<Record<string, Record<string, Link>>>>> = {
  beginUpload: {
    '201': {
      ...artifactLinks('/artifact/id'),
      ...to('listArtifacts', ofExecution),
      ...to('setExecutionRetention', ofExecution),
      ...to('deleteExecutionArtifacts', ofExecution),
    },
    '200': artifactLinks('/artifact/id'),
  },
  putFile: {
    '201': { ...artifactLinks('/artifact/id'), ...to('listArtifacts', ofExecution) },
    '200': artifactLinks('/artifact/id', ['getArtifact', 'getContent', 'createDownloadUrl', 'deleteArtifact']),
  },
  getArtifact: { '200': to('listArtifacts', { executionId: fromBody('/artifact/executionId') }) },
  listArtifacts: {
    '200': {
      ...artifactLinks('/items/0/id', ['getArtifact', 'getContent', 'createDownloadUrl', 'deleteArtifact']),
      ...to('listArtifacts', { ...ofExecution, cursor: fromBody('/nextCursor') }),
    },
  },
  searchArtifacts: {
    '200': {
      ...artifactLinks('/items/0/id', ['getArtifact', 'getContent', 'changeTags']),
      ...to('searchArtifacts', { cursor: fromBody('/nextCursor') }),
    },
  },
  addHold: {
    '201': to('endHold', { id: '$request.path.id', holdId: fromBody('/hold/id') }),
    '200': to('endHold', { id: '$request.path.id', holdId: fromBody('/hold/id') }),
  },
  shareArtifact: { '201': to('unshareArtifact', { id: '$request.path.id', shareId: fromBody('/share/id') }) },
  listHolds: { '200': to('endHold', { id: '$request.path.id', holdId: fromBody('/items/0/id') }) },
  deleteArtifact: { '200': artifactLinks('/artifact/id', ['undeleteArtifact', 'getArtifact', 'getHistory']) },
  previewPlan: {
    '200': {
      ...artifactLinks('/items/0/artifactId', ['getPlan', 'setRetention']),
      ...to('previewPlan', { cursor: fromBody('/nextCursor') }),
    },
  },
  startPublication: { '202': publicationLinks('/publicationId') },
};

/** Adds the links. @throws when one leads to, or comes from, an operation or a status that the document does not have. */
export function addLinks(document: OpenApiDocument): void {
  const operations = new Map(
    Object.values(document.paths)
      .flatMap((methods) => Object.values(methods))
      .map((operation) => [operation.operationId, operation]),
  );
  for (const [from, byStatus] of Object.entries(LINKS))
    for (const [status, links] of Object.entries(byStatus)) {
      const response = operations.get(from)?.responses[status];
      if (response === undefined) throw new Error(`There is no ${from} ${status} to link from`);
      for (const { operationId } of Object.values(links))
        if (!operations.has(operationId)) throw new Error(`There is no ${operationId} to link to`);
      response.links = links;
    }
}
