/**
 * The peer of `bench -- api`, in a process of its own: the same statements through Fastify and node-postgres, with nothing around them: no token,
 * no limits, no headers, no log. Argument: the database's URL. Prints where it listens.
 */
import Fastify from 'fastify';
import pg from 'pg';
import { listStatement } from '../../src/db/lists.js';
import { GET_ARTIFACT } from '../../src/db/rows.js';

const PAGE = 50;

const pool = new pg.Pool({ connectionString: process.argv[2], max: 10 });
const app = Fastify();
app.get<{ Params: { id: string } }>('/artifacts/:id', async ({ params }) => {
  const { rows } = await pool.query(GET_ARTIFACT.text, [params.id]);
  return { artifact: rows[0] as unknown };
});
app.get<{ Params: { id: string } }>('/prepared/artifacts/:id', async ({ params }) => {
  const { rows } = await pool.query({ ...GET_ARTIFACT, values: [params.id] });
  return { artifact: rows[0] as unknown };
});
app.get<{ Params: { id: string } }>('/executions/:id/artifacts', async ({ params }) => {
  // Whose execution it is must be known before its artifacts are shown.
  await pool.query('SELECT * FROM executions WHERE id = $1', [params.id]);
  const { text, values } = listStatement({ scope: { executionId: params.id }, filters: {}, limit: PAGE, after: null });
  const { rows } = await pool.query(text, values);
  return { items: rows as unknown[] };
});
console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
process.once('SIGTERM', () => void app.close().then(() => pool.end()));
