import { Type } from 'typebox';
import { nullable, Timestamp } from './atoms.js';

export const Plan = Type.Object(
  {
    action: Type.String({ description: '`expire`, `abandonUpload`, `pollRestore`, `delete`, or `none`' }),
    at: nullable(Timestamp),
    rule: Type.String({ description: 'The rule that causes it, e.g. `default_retention`' }),
    because: Type.String({ description: 'The rule in words' }),
    wouldChange: Type.Array(Type.String(), { description: 'What would change it' }),
  },
  { description: 'What happens to the artifact next by itself, when and why' },
);
