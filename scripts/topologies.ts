/**
 * Runs the tests of the API behind PgBouncer, with a replica, and behind nginx, one after the other. Owns the list of
 * tests that make no sense there, with the reasons. Does not know how the topologies are started.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { TOPOLOGIES } from '../test/harness/topology';

/** Files or titles of tests by the reason why they are omitted. The printed sentence begins with "what". */
const LEFT_OUT: Record<(typeof TOPOLOGIES)[number], Record<string, readonly string[]>> = {
  pgbouncer: {
    'ends or refuses sessions of the server, which are PgBouncer’s here': [
      'failures.test.ts',
      'that the database does not answer is told, and that it does again',
      'a transition whose life cannot be read is counted as failed',
    ],
    'tells statements by their names, which they do not have': [
      'what all subscribers to the same are to get is computed once',
      'nobody listens, and nobody looks, while nobody is subscribed',
    ],
    'looks for the session that listens, of which there is none': [
      'subscribers who end leave nothing behind, also while they wait',
      'when the session that listens is lost, nothing else is',
    ],
  },
  replica: {
    'counts statements, and those are among them that prove the replica': [
      'twenty lives are one statement, with their number and their histories two',
      'twenty transitions are one statement, with the life of each two',
    ],
  },
  nginx: {
    'looks at the numbers or the log of one instance': [
      'log.test.ts',
      'metrics.test.ts',
      'leaving.test.ts',
      'is enough for the metrics, which need a valid token',
      'is asked once, not for each token',
      'more problems with variables than are told are the client’s, and nothing for the log',
      'and others can reach the server, it warns that they may ask, and pages of rebound names, too',
      'and cannot be reached has everybody refused until it can, which is logged once',
    ],
    'is about connections to the server, which are nginx’s here': [
      'connections.test.ts',
      'once it is told to stop it is not ready, and ends what is in flight',
    ],
    'is about a proxy in front of the server, or about none': [
      'a request that a proxy passed on by',
      'who has said that they will send no more is still answered',
      'nobody is asked for a token, and none is looked at',
    ],
    'sends requests at once, which nginx passes on one after the other': [
      'an upgrade that comes before the request ahead of it is answered',
      'whose client takes an id again before its subscription has ended is closed, and leaves nothing behind',
    ],
    'asks for an upgrade that nginx refuses itself, or passes on as none': [
      'is refused as what is not there, and ends the connection',
      'is refused, and ends the connection',
    ],
    'sends what nginx itself refuses': [
      'a request without a Host header is answered, not failed',
      'a path that cannot be decoded is refused without being repeated',
      'that was rebound to it, ',
      'to a name that was rebound to us',
    ],
    'finds one session that listens, where two instances have one each': [
      'subscribers who end leave nothing behind, also while they wait',
      'when the session that listens is lost, nothing else is',
    ],
  },
};

const FOLDER = 'test/api';
const sources = readdirSync(FOLDER).map((name) => readFileSync(`${FOLDER}/${name}`, 'utf8'));

for (const topology of TOPOLOGIES) {
  const names = Object.values(LEFT_OUT[topology]).flat();
  const files = names.filter((name) => name.endsWith('.test.ts'));
  const titles = names.filter((name) => !files.includes(name));
  // Fails on a title that no longer exists. The titles of `test.each` contain values, so only their beginnings are
  // compared.
  const gone = titles.filter((title) => {
    const beginning = title.replace(/".*$/, '');
    return !sources.some((source) => source.includes(beginning));
  });
  if (gone.length > 0) throw new Error(`There is no such test: ${gone.join('; ')}`);

  console.log(`\n== ${topology}, without`);
  for (const [reason, left] of Object.entries(LEFT_OUT[topology])) {
    console.log(`   what ${reason}: ${left.join('; ')}`);
  }
  const parameters = ['run', 'jest', '--', '--selectProjects', 'topologies'];
  if (files.length > 0) parameters.push('--testPathIgnorePatterns', ...files);
  if (titles.length > 0) {
    const patterns = titles.map((title) => title.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    parameters.push('--testNamePattern', `^(?!.*(?:${patterns.join('|')}))`);
  }
  const { status } = spawnSync('npm', [...parameters, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, TEST_TOPOLOGY: topology },
  });
  if (status !== 0) process.exitCode = 1;
}
