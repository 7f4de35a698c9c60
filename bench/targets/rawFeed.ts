/** A program: reads the feed by raw SQL, page by page and whole rows, without GraphQL and without a client. */
import { Client } from 'pg';
import type { FeedReading } from '../load/subscribers';
import { serve } from '../processes';
import { databaseUrl } from './environment';

const PAGE = `SELECT * FROM life_transitions WHERE partition = 0 AND position > $1 ORDER BY position LIMIT 1000`;

async function main(): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();

  serve(async ({ count }: { readonly count: number }): Promise<FeedReading> => {
    const begin = performance.now();
    let position = 0;
    while (position < count) {
      const { rows } = await client.query<{ position: string }>(PAGE, [position]);
      const last = Number(rows.at(-1)?.position);
      // Positions have no gaps.
      if (last !== position + rows.length) throw new Error(`The page after ${position} has gaps.`);
      position = last;
    }
    return { rows: position, wrong: 0, seconds: (performance.now() - begin) / 1_000 };
  });
}

void main();
