import { Type, type Static } from 'typebox';

export const Liveness = Type.Object({
  status: Type.Literal('ok'),
  build: Type.String({
    description: 'Version that runs, and the commit of its image where that is known: `0.2.0+5037e4102f3c`',
  }),
});

const Check = Type.Object({ ok: Type.Boolean(), detail: Type.Optional(Type.String()) });

export const Readiness = Type.Object({
  status: Type.Enum(['ok', 'degraded', 'unavailable', 'draining'], {
    type: 'string',
    description:
      '`degraded`: workflows are down, reads and downloads work, changes answer 503. `unavailable`: database or storage ' +
      'is down. `draining`: the process is about to stop.',
  }),
  checks: Type.Object({ database: Check, storage: Check, workflows: Check }),
});
export type Readiness = Static<typeof Readiness>;
