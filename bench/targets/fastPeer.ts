/**
 * A program: the fastest stack in common use for the same answers. Mercurius with its JIT and node-postgres: one
 * prepared statement for each request, without a log or an ORM.
 */
import fastify from 'fastify';
import { GraphQLScalarType } from 'graphql';
import mercurius from 'mercurius';
import { Pool } from 'pg';
import { serve } from '../processes';
import { databaseUrl, poolSize } from './environment';
import { type LifeRow, findLife, giveBirth } from './plainTables';

const schema = `
scalar DateTime
enum Phase { GESTATING ALIVE DEAD }
enum LifeEvent { CONCEPTION BIRTH DEATH }
interface Life {
  id: ID!
  phase: Phase!
  version: Int!
  createdAt: DateTime!
  updatedAt: DateTime!
  nextEvents: [LifeEvent!]!
}
type Gestating implements Life {
  id: ID!
  phase: Phase!
  version: Int!
  createdAt: DateTime!
  updatedAt: DateTime!
  nextEvents: [LifeEvent!]!
}
type Alive implements Life {
  id: ID!
  phase: Phase!
  version: Int!
  createdAt: DateTime!
  updatedAt: DateTime!
  nextEvents: [LifeEvent!]!
  bornAt: DateTime!
}
type Dead implements Life {
  id: ID!
  phase: Phase!
  version: Int!
  createdAt: DateTime!
  updatedAt: DateTime!
  nextEvents: [LifeEvent!]!
  bornAt: DateTime
  diedAt: DateTime!
}
interface TransitionError { message: String! }
type LifeNotFound implements TransitionError { message: String! }
type IllegalTransition implements TransitionError { message: String! }
union BirthResult = Alive | LifeNotFound | IllegalTransition
type Query { life(id: ID!): Life }
type Mutation { birth(id: ID!): BirthResult }`;

const shown = {
  Gestating: { phase: 'GESTATING', nextEvents: ['BIRTH', 'DEATH'] },
  Alive: { phase: 'ALIVE', nextEvents: ['DEATH'] },
  Dead: { phase: 'DEAD', nextEvents: [] },
} as const;

interface Refusal {
  readonly refusal: 'LifeNotFound' | 'IllegalTransition';
  readonly message: string;
}

const pool = new Pool({ connectionString: databaseUrl, max: poolSize });

async function life(id: string): Promise<LifeRow | null> {
  const { rows } = await pool.query<LifeRow>({ ...findLife, values: [id] });
  return rows[0] ?? null;
}

async function birth(id: string): Promise<LifeRow | Refusal> {
  const { rows } = await pool.query<LifeRow>({ ...giveBirth, values: [id, new Date()] });
  if (rows[0] !== undefined) return rows[0];
  const found = await life(id);
  return found === null
    ? { refusal: 'LifeNotFound', message: `There is no life ${id}.` }
    : { refusal: 'IllegalTransition', message: `Birth is not possible in ${found.stateType}.` };
}

const ofLife = {
  phase: ({ stateType }: LifeRow) => shown[stateType].phase,
  nextEvents: ({ stateType }: LifeRow) => shown[stateType].nextEvents,
};
const typeOfLife = ({ stateType }: LifeRow): string => stateType;
const typeOfRefusal = ({ refusal }: Refusal): string => refusal;
const resolvers = {
  DateTime: new GraphQLScalarType<Date, string>({
    name: 'DateTime',
    // node-postgres returns a Date.
    serialize: (value) => (value as Date).toISOString(),
  }),
  Life: { resolveType: typeOfLife },
  Gestating: ofLife,
  Alive: ofLife,
  Dead: ofLife,
  TransitionError: { resolveType: typeOfRefusal },
  BirthResult: {
    resolveType: (result: LifeRow | Refusal) =>
      'refusal' in result ? typeOfRefusal(result) : typeOfLife(result),
  },
  Query: { life: async (_root: unknown, { id }: { id: string }) => life(id) },
  Mutation: { birth: async (_root: unknown, { id }: { id: string }) => birth(id) },
};

async function main(): Promise<void> {
  const server = fastify({ logger: false });
  await server.register(mercurius, { schema, resolvers, jit: 1, graphiql: false });
  serve(async () => null, await server.listen({ host: '127.0.0.1', port: 0 }));
}

void main();
