/**
 * The queries and subscriptions of a machine: one by its id, the list of all, the feed, the census, and the
 * declaration. Does not know how pages and feeds are read.
 */
import { Int } from 'type-graphql';
import type { AnyLifecycle, MachinePhase } from '../machine';
import type { Census } from '../operations/census';
import type { Page } from '../operations/page';
import { BeyondEnd } from '../store/place';
import {
  type AskedFeed,
  type AskedId,
  type AskedList,
  feedArguments,
  followArguments,
  idArguments,
  idOf,
  isGiven,
  listArguments,
  pageRequest,
} from './arguments';
import type { Cursors } from './cursors';
import type { Enums } from './enums';
import { BadUserInput, NothingToFollow } from './errors';
import { type Names, capitalized } from './names';
import { type ConnectionOf, connectionType } from './pages';
import type { PhaseTypes } from './phases';
import { type ResolverClass, query, subscription } from './roots';
import type { StateMachine } from './stateMachine';
import type { AnyTransition, TransitionTypes } from './transitions';
import type { Types } from './types';
import type { ViewClass } from './View';

export interface Readable {
  readonly lifecycle: AnyLifecycle;
  readonly types: Types;
  readonly names: Names;
  readonly enums: Enums;
  readonly cursors: Cursors;
  readonly phases: PhaseTypes;
  readonly transitions: TransitionTypes;
  readonly census: ViewClass<Census>;
  readonly machine: StateMachine;
}

type Counted = Page<MachinePhase> & { readonly total: number };

export function readingOf(readable: Readable): readonly ResolverClass[] {
  const { lifecycle, types, names, enums, cursors, phases, transitions, census, machine } =
    readable;
  const { noun, nouns, aNoun } = names;
  const one = idArguments(names.own('Arguments'), `The ${noun}'s id.`);
  const connection = connectionType<MachinePhase, Counted>(
    types,
    { prefix: names.machine, noun, aNoun: capitalized(aNoun), nouns },
    () => phases.machine,
    phases.viewOf,
    {
      totalCount: {
        type: () => Int,
        says: `How many ${nouns} there are on all pages together.`,
        of: ({ page }: ConnectionOf<MachinePhase, Counted>) => page.total,
      },
    },
  );
  return [
    query({
      name: names.field,
      type: () => phases.machine,
      nullable: true,
      says: `One ${noun}, or null if there is none with this id.`,
      arguments: one,
      ask: async (asked: AskedId, { machines, deadline }) => {
        const phase = await machines.of(lifecycle).store.find(idOf(asked), deadline);
        return phase && phases.viewOf(phase);
      },
    }),
    query({
      name: names.fields,
      type: () => connection,
      says: `All ${nouns}, by when they began. Do not poll it for new ones: ${aNoun} may appear before one that you have seen. \`${names.root('transitions')}\` has no such gaps.`,
      arguments: listArguments(names, enums),
      ask: async ({ phase, order, ...asked }: AskedList, { machines, deadline }) => {
        const request = pageRequest(asked, cursors.machine);
        const { reader } = machines.of(lifecycle);
        const sorted = order ?? 'oldestFirst';
        const page = await reader.machines(phase ?? null, sorted, request, deadline);
        return new connection({ page, cursor: cursors.machine });
      },
    }),
    query({
      name: names.root('transitions'),
      type: () => transitions.connection,
      says: `Pages of the feed: all transitions, in the order in which they were committed. With several partitions in the database, the transitions of each ${noun} are in that order.`,
      arguments: feedArguments(names, enums),
      ask: async ({ events, ...asked }: AskedFeed, { machines, deadline }) => {
        const request = pageRequest(asked, cursors.feed);
        const { reader } = machines.of(lifecycle);
        const page = await reader.feed(events ?? null, request, deadline).catch(refuseBeyondEnd);
        return new transitions.connection({ page, cursor: cursors.feed });
      },
    }),
    query({
      name: names.root('census'),
      type: () => census,
      says: `How many ${nouns} are in each phase, consistent with the feed at \`cursor\`.`,
      ask: async (_asked, { machines, deadline }) =>
        new census(await machines.of(lifecycle).reader.census(deadline)),
    }),
    query({
      name: names.root('machine'),
      type: () => machine.type,
      says: 'The state machine itself, for tools that draw it or offer its events.',
      ask: async () => machine.view,
    }),
    subscription({
      name: names.changed,
      type: () => phases.machine,
      says: `The ${noun} as it is now, and again after each change. Completes after a final phase.`,
      arguments: one,
      follow: async (asked: AskedId, { machines, deadline }) => {
        const id = idOf(asked);
        const changes = await machines.of(lifecycle).feed.changes(id, deadline);
        if (changes === null) throw new NothingToFollow(names, id);
        return changes;
      },
      show: phases.viewOf,
    }),
    subscription({
      name: names.root('transitions'),
      type: () => transitions.transition,
      says: `The feed: all transitions, after a cursor or from now on, in the order in which they are committed, with no gap and no repeat. With several partitions in the database, the transitions of each ${noun} are in that order.`,
      arguments: followArguments(names, enums),
      follow: async ({ after, events }: AskedFeed, { machines, deadline }) => {
        const place = isGiven(after) ? cursors.feed.parse(after, 'after') : undefined;
        return machines
          .of(lifecycle)
          .feed.transitions(events ?? null, place, deadline)
          .catch(refuseBeyondEnd);
      },
      show: (transition: AnyTransition) => new transitions.transition(transition),
    }),
  ];
}

function refuseBeyondEnd(error: unknown): never {
  if (!(error instanceof BeyondEnd)) throw error;
  throw new BadUserInput([{ path: error.argument, message: 'is beyond the end of the feed.' }]);
}
