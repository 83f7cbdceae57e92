import type { SetTags } from '../../domain/commands.js';
import { requireTags, tagsAfter } from '../../domain/tags.js';
import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { BODY_PROBLEMS, problems, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { TagChangesBody, TagsBody } from '../schemas/tags.js';
import { senderOf, type Sender } from '../sender.js';

const tags = ['lifecycle'];
const FOLLOWS =
  'The answer tells what counts from now on. The object in the bucket is given the tags too, later when the store does not answer now.';

/** Two ways of one verb: all tags anew, or some of them, which two callers at once may do without undoing each other. */
export function registerTagRoutes(app: Api, context: ApiContext): void {
  registerReplace(app, context);
  registerMerge(app, context);
}

const response = () => ({
  200: ArtifactAnswer,
  ...problems(
    'invalid_id',
    'invalid_tags',
    'artifact_not_found',
    'wrong_state',
    'artifact_deleted',
    ...BODY_PROBLEMS,
    ...WORKFLOW_PROBLEMS,
  ),
});

function registerReplace(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'replaceTags',
    summary: 'Give an artifact other tags',
    description: `What it had before and is not named goes. ${FOLLOWS}`,
    params: ArtifactParams,
    body: TagsBody,
    response: response(),
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.put('/v1/artifacts/:id/tags', options, (request) =>
    setTags(context, senderOf(request), { id: request.params.id, tags: request.body.tags, merge: false }),
  );
}

function registerMerge(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'changeTags',
    summary: 'Add, change and remove tags of an artifact',
    description: `What is not named stays. ${FOLLOWS}`,
    params: ArtifactParams,
    body: TagChangesBody,
    response: response(),
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.patch('/v1/artifacts/:id/tags', options, (request) =>
    setTags(context, senderOf(request), { id: request.params.id, tags: request.body.tags, merge: true }),
  );
}

async function setTags(
  context: ApiContext,
  sender: Sender,
  { id, tags: wished, merge }: Omit<SetTags, 'actor'> & { id: string },
) {
  // What is wrong whatever the artifact has by now need not wait for its workflow.
  tagsAfter({}, { tags: wished, merge });
  for (const key of Object.keys(wished)) requireTags({ [key]: '' });
  const record = await changeArtifact(context, sender, {
    verb: 'setTags',
    artifactId: id,
    message: { tags: wished, merge },
    send: (message) => context.lifecycle.setTags(id, message),
  });
  return { artifact: encodeArtifact(record) };
}
