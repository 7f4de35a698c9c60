/**
 * Runs the tests of the API behind PgBouncer, with a replica, and behind nginx with two instances and eight partitions,
 * one after the other; then the fault tests with eight partitions, and both on a Citus cluster. Owns the list of tests
 * that make no sense there, with the reasons. Does
 * not know how the topologies are started.
 *
 * Its parameters are the topologies to run, by default all of them, and what else jest is to be told. That of Citus
 * needs a cluster of two workers that runs already: CITUS_URL is the URL of a superuser for a database of the coordinator
 * in which the workers are registered, and CITUS_STOP_WORKER and CITUS_START_WORKER are commands that kill a worker and
 * start it again, with `{}` for its number, 1 or 2 in the order of ports.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { TOPOLOGIES } from '../test/harness/topology';

/** Files or titles of tests by the reason why they are omitted. The printed sentence begins with "what". */
const LEFT_OUT: Record<(typeof TOPOLOGIES)[number], Record<string, readonly string[]>> = {
  pgbouncer: {
    'ends or refuses sessions of the server, which are PgBouncer’s here': [
      'failures.test.ts',
      'whether the database answers, and when it answers again',
      'a transition as failed if its life cannot be read',
    ],
    'tells statements by their names, which they do not have': [
      'what subscribers of the same document get is computed once for all',
      'without subscribers the server neither listens nor polls',
    ],
    'looks for the session that listens, of which there is none': [
      'subscribers that end leave nothing behind, also if they are still waiting',
      'if the server loses the session that listens, subscribers lose nothing',
    ],
  },
  replica: {
    'counts statements, and those are among them that prove the replica': [
      'twenty lives with their number cost one statement, and with their histories two',
      'twenty transitions with the life of each cost two statements',
    ],
  },
  nginx: {
    'looks at the numbers or the log of one instance': [
      'log.test.ts',
      'metrics.test.ts',
      'leaving.test.ts',
      'gives access to the metrics, which need only a valid token',
      'is asked for its keys once, not for each token',
      'more errors in variables than an answer lists are the client’s mistake, and the log has no error',
      'a server that other hosts can reach warns that they have access, and so do pages of rebound names',
      'that cannot be reached has all tokens refused until it can, and the server logs that once',
    ],
    'is about connections to the server, which are nginx’s here': [
      'connections.test.ts',
      'during its shutdown the server is not ready, and answers the requests in flight',
    ],
    'is about a proxy in front of the server, or about none': [
      'the first request that a proxy forwarded with',
      'a client that has ended its side of the connection is still answered',
      'the server neither requires nor reads a token',
    ],
    'sends requests at once, which nginx passes on one after the other': [
      'an upgrade that a client pipelines behind an unanswered request is answered',
      'is closed if its client reuses the id of a running subscription, and leaves nothing behind',
    ],
    'asks for an upgrade that nginx refuses itself, or passes on as none': [
      'is refused as an unknown address, and ends the connection',
      'is refused, and ends the connection',
    ],
    'sends what nginx itself refuses': [
      'a request without a Host header is answered, not failed',
      'a path that cannot be decoded is refused, and the refusal does not repeat it',
      'name that an attacker rebound to this machine, ',
      'to a host name that was rebound to the server',
    ],
    'finds one session that listens, where two instances have one each': [
      'subscribers that end leave nothing behind, also if they are still waiting',
      'if the server loses the session that listens, subscribers lose nothing',
    ],
    'uses cursors of builds that knew no partitions': ['a cursor beyond the end of the feed'],
    'compares cursors of a history, which name one partition, with those of the feed': [
      'a transition has the same cursor in every field as on its edge in the feed',
    ],
  },
  partitions: {
    'is about traces or the system’s clock, takes long, and would try the same again': [
      'tracing.test.ts',
      'clock.test.ts',
    ],
    'uses cursors of builds that knew no partitions': [
      'a cursor of an older release works, and beyond the end it is malformed',
      'pages after or before a cursor of an older release are given, and beyond the end it is malformed',
    ],
  },
  citus: {
    'breaks or locks the tables by statements that Citus does not take': [
      'is masked, and logged with its cause and the id of the request',
      'is also masked and logged if GraphQL cannot represent a value from the database',
      'changes nothing, and affects neither other requests in flight nor later ones',
    ],
    'counts statements, of which there is one for each partition': [
      'twenty nodes cost one statement',
      'twenty lives with their number cost one statement, and with their histories two',
      'twenty transitions with the life of each cost two statements',
    ],
    'uses cursors of builds that knew no partitions': ['a cursor beyond the end of the feed'],
    'compares cursors of a history, which name one partition, with those of the feed': [
      'a transition has the same cursor in every field as on its edge in the feed',
    ],
    'causes faults by triggers, or in sessions and clocks of one PostgreSQL': [
      'clock.test.ts',
      'cut.test.ts',
      'deadlines.test.ts',
      'ledger.test.ts',
      'locks.test.ts',
      'faults/refusals.test.ts',
      'restart.test.ts',
      'rewound.test.ts',
    ],
    'is about the server alone, and takes long': [
      'descriptors.test.ts',
      'flood.test.ts',
      'notifications.test.ts',
      'pressure.test.ts',
      'tracing.test.ts',
    ],
  },
};

/** The project of jest that a topology runs, and its folder. */
const API = { project: 'topologies', folder: 'test/api' };
const PROJECTS: Record<(typeof TOPOLOGIES)[number], typeof API> = {
  pgbouncer: API,
  replica: API,
  nginx: API,
  // Most faults lie between a server and its database, where the other topologies have something of their own.
  partitions: { project: 'faults', folder: 'test/faults' },
  // The API, the faults, and what only a cluster has.
  citus: { project: 'citus', folder: 'test/api' },
};

const given: readonly string[] = process.argv.slice(2);
const chosen = TOPOLOGIES.filter((topology) => given.includes(topology));
/** A cluster cannot be installed from the registries, and so is not everywhere. */
const isWithoutCitus = (process.env['CITUS_URL'] ?? '') === '';
if (isWithoutCitus && chosen.includes('citus')) throw new Error('Set CITUS_URL for citus.');

for (const topology of chosen.length > 0 ? chosen : TOPOLOGIES) {
  if (topology === 'citus' && isWithoutCitus) {
    console.log('\n== citus was left out: there is no cluster, since CITUS_URL is not set');
    continue;
  }
  const names = Object.values(LEFT_OUT[topology]).flat();
  const files = names.filter((name) => name.endsWith('.test.ts'));
  const titles = names.filter((name) => !files.includes(name));
  const { project, folder } = PROJECTS[topology];
  const sources = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
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
  const more = given.filter((each) => !chosen.some((name) => name === each));
  // jest takes all words after `--selectProjects` for projects.
  const parameters = ['run', 'jest', '--', ...more, '--selectProjects', project];
  // All tests share one cluster, whose workers some of them kill.
  if (topology === 'citus') parameters.splice(3, 0, '--runInBand');
  if (files.length > 0) parameters.push('--testPathIgnorePatterns', ...files);
  if (titles.length > 0) {
    const patterns = titles.map((title) => title.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    parameters.push('--testNamePattern', `^(?!.*(?:${patterns.join('|')}))`);
  }
  const { status } = spawnSync('npm', parameters, {
    stdio: 'inherit',
    env: { ...process.env, TEST_TOPOLOGY: topology },
  });
  if (status !== 0) process.exitCode = 1;
}
