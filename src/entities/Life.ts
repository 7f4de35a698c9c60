/**
 * The table `lives`: where each life is now. Its columns, CHECKs and indexes come from the declaration; what else is
 * wanted on it, such as an index of its own, is written here.
 */
import { entityOf } from 'persistent-machine/integrity';
import { Entity } from 'typeorm';
import { life } from '../machine';

@Entity()
export class Life extends entityOf(life) {}
