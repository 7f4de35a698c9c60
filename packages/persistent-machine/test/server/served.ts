/**
 * An application that serves doors and tickets, all of whose GraphQL and tables are derived. Does not know what a test is
 * about.
 */
import { Entity, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { Served } from 'persistent-machine/application';
import { dataSourceOf } from 'persistent-machine/database/dataSource';
import { PARTITIONS_SETTING } from 'persistent-machine/database/partitions';
import { differencesOf, entitiesOf, entityOf } from 'persistent-machine/integrity';
import { inDatabase } from '../../src/integrity/described';
import { door, doors } from '../graphql/door';
import { ticket, tickets } from './ticket';

@Entity()
class Door extends entityOf(door) {}

@Entity()
class Ticket extends entityOf(ticket) {}

const machines = [
  { lifecycle: doors, entities: entitiesOf(Door) },
  { lifecycle: tickets, entities: entitiesOf(Ticket) },
];

/** What `npm run migration:generate` would write. */
class Tables1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { up } = await differencesOf(queryRunner.dataSource);
    const [facts] = await queryRunner.manager.query<[{ schema: string; partitions: number }]>(
      `SELECT quote_ident(current_schema()) AS schema,
              current_setting('${PARTITIONS_SETTING}')::integer AS partitions`,
    );
    for (const statement of up) await queryRunner.query(inDatabase(statement, facts));
  }

  async down(): Promise<void> {
    return Promise.reject(new Error('No test reverts it.'));
  }
}

export const served: Served = {
  machines,
  createDataSource: (settings) =>
    dataSourceOf(settings, { machines, migrations: [Tables1764000000000] }),
};
