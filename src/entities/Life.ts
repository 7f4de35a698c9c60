/**
 * The table `lives`, with the current record of each life. Its columns, CHECKs and indexes come from the declaration.
 * Further indexes are declared here.
 */
import { entityOf } from 'persistent-machine/integrity';
import { Entity } from 'typeorm';
import { life } from '../machine';

@Entity()
export class Life extends entityOf(life) {}
