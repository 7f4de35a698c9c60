/** What PostgreSQL itself refuses of lives, whoever asks, and what it must accept: all of it derived from their declaration. */
import { describeIntegrity } from '../../packages/persistent-machine/test/integrity/describeIntegrity';
import { life } from '../../src/machine';
import { createTestDatabase } from '../harness';

describeIntegrity(life, createTestDatabase);
