/**
 * What a client may ask on a WebSocket, by the protocol `graphql-transport-ws`, spoken by graphql-ws: who connects, and
 * which operations begin. Does not know how messages come and go, nor what is subscribed to.
 */
import type { WebSocket } from '@fastify/websocket';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, type Server, makeServer } from 'graphql-ws';
import { Overloaded } from '../database/failures';
import {
  type Authentication,
  type Caller,
  KeysUnavailable,
  Unauthenticated,
  onceExpired,
} from './authentication';
import { codeOfError, tellFailure } from './errors';
import type { RequestContext } from './graphql';
import { Observation } from './observation';
import type { Accepted, Results } from './sharedExecution';
import { refusal } from './subscriptionDocuments';
import type { Subscriptions } from './subscriptions';

/** The most subscriptions of one socket. */
const MOST_SUBSCRIPTIONS = 100;

/** The most characters of the messages that they came in, which are kept for as long as they last. */
const MOST_ASKED = 200_000;

/** The longest id of an operation, which comes again with each of its results. */
const LONGEST_ID = 255;

/** The most bytes of the reason for which a socket is closed: RFC 6455, section 5.5. */
const LONGEST_REASON = 123;

/** "Try again later", by RFC 6455's registry. */
const LATER = 1013;

/** What a socket is for as long as it is open. */
export interface Connection extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket;
  /** Operations that have not ended, by their ids. */
  readonly running: Map<string, Running>;
  /** Of operations that have not ended, or were just refused. */
  readonly observations: Map<string, Observation>;
  /** The length of the message that is being handed over. */
  length: number;
  /** It is known who asks. */
  acknowledge: () => void;
  /** Who asks, once they have said so. */
  caller?: Caller;
}

interface Running {
  /** The length of the message that it came in. */
  readonly length: number;
  /** Undefined: it has not begun. */
  results?: Results;
}

export interface ProtocolSettings {
  readonly subscriptions: Subscriptions;
  readonly contextOf: (observation: Observation) => RequestContext;
  readonly newId: () => string;
  /** Finds out who asks; undefined: any client may. */
  readonly authentication: Authentication | undefined;
  /** Whether there is no room for another subscription now. */
  readonly isFull: () => boolean;
}

/** @returns what takes the messages of every socket */
export function createProtocol(
  settings: ProtocolSettings,
): Server<Connection & Record<PropertyKey, unknown>> {
  const { subscriptions, newId } = settings;
  return makeServer<Record<string, unknown>, Connection>({
    onConnect: async ({ connectionParams = {}, extra: connection }) =>
      connect(connection, connectionParams, settings),
    onSubscribe: ({ extra: connection }, id, payload) => {
      const observation = new Observation(newId());
      connection.observations.set(id, observation);
      const accepted = accept(connection, id, payload, observation, settings);
      if ('document' in accepted) {
        connection.running.set(id, { length: connection.length });
        return accepted;
      }
      subscriptions.refused(observation, codeOfError(accepted[0]));
      return [...accepted];
    },
    // What `onSubscribe` accepted.
    subscribe: async (given) => {
      const accepted = given as Accepted;
      const begun = await subscriptions.begin(accepted);
      if ('errors' in begun) {
        subscriptions.refused(accepted.contextValue.observation, codeOfError(begun.errors[0]));
      }
      return begun;
    },
    onOperation: ({ extra: { socket, running } }, id, _payload, _accepted, result) => {
      // From `begin`.
      if (!(Symbol.asyncIterator in result)) return;
      const stream = result as Results;
      const operation = running.get(id);
      if (operation && socket.readyState === socket.OPEN) operation.results = stream;
      else void stream.return?.();
    },
    onComplete: ({ extra: { running, observations } }, id) => {
      running.delete(id);
      observations.delete(id);
    },
    onNext: (_connection, _id, _payload, { contextValue }, result) =>
      // From `accept`, and from `begin`.
      subscriptions.tell(result as ExecutionResult, contextValue as RequestContext),
    onError: ({ extra: { observations } }, id, _payload, errors) => {
      const { requestId } = observations.get(id) ?? { requestId: newId() };
      observations.delete(id);
      return subscriptions.tellErrors(errors, { requestId });
    },
  });
}

/** @returns whether the client may go on, by the token of its first message */
async function connect(
  connection: Connection,
  connectionParams: Readonly<Record<string, unknown>>,
  { subscriptions, newId, authentication }: ProtocolSettings,
): Promise<boolean> {
  const { socket } = connection;
  if (authentication === undefined) {
    connection.acknowledge();
    return true;
  }
  try {
    const caller = await authentication.callerOf(authorizationIn(connectionParams));
    // It may be gone by now.
    if (socket.readyState !== socket.OPEN) return false;
    connection.caller = caller;
    connection.acknowledge();
    const stopWaiting = onceExpired(caller, () => {
      socket.close(CloseCode.Unauthorized, 'The token has expired');
    });
    socket.once('close', stopWaiting);
    return true;
  } catch (error) {
    const observation = new Observation(newId());
    if (error instanceof Unauthenticated) {
      subscriptions.refused(observation, 'UNAUTHENTICATED');
      socket.close(CloseCode.Unauthorized, 'Unauthorized');
    } else if (error instanceof KeysUnavailable) {
      subscriptions.refused(observation, 'OVERLOADED');
      socket.close(LATER, 'Tokens cannot be checked right now');
    } else {
      throw error;
    }
    // It is closed already, so that graphql-ws's own close has no effect.
    return false;
  }
}

function accept(
  { socket, running, length, caller }: Connection,
  id: string,
  payload: unknown,
  observation: Observation,
  { subscriptions, contextOf, isFull }: ProtocolSettings,
): Accepted | readonly GraphQLError[] {
  if (isFull()) {
    const { code, message } = tellFailure(new Overloaded());
    return [refusal(code, message)];
  }
  if (id.length > LONGEST_ID) {
    socket.close(CloseCode.BadRequest, `An id has ${LONGEST_ID} characters at most`);
    return [refusal('BAD_REQUEST', 'The id is too long.')];
  }
  if (running.has(id)) {
    // It was completed, and has not ended yet: graphql-ws would take the end of that one for this one's.
    close(socket, CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
    return [refusal('BAD_REQUEST', 'This id is in use.')];
  }
  if (running.size >= MOST_SUBSCRIPTIONS) {
    return [refusal('BAD_REQUEST', `A socket carries ${MOST_SUBSCRIPTIONS} at most.`)];
  }
  const asked = [...running.values()].reduce((sum, each) => sum + each.length, length);
  if (asked > MOST_ASKED) {
    const message = `The subscriptions of a socket have ${MOST_ASKED} characters at most, all together.`;
    return [refusal('BAD_REQUEST', message)];
  }
  return subscriptions.accept(payload, contextOf(observation), caller?.scopes ?? null);
}

/** However long the id is that graphql-ws puts into the reason. */
export function close(socket: WebSocket, code: number, reason: string): void {
  // Cut within a character, its rest is left out.
  const text = Buffer.from(reason)
    .subarray(0, LONGEST_REASON)
    .toString()
    .replace(/\uFFFD$/, '');
  socket.close(code, text);
}

/** Of the first message's payload; a client's author may spell the name as HTTP's headers are spelled, or not. */
function authorizationIn(connectionParams: Readonly<Record<string, unknown>>): unknown {
  const names = Object.keys(connectionParams);
  const name = names.find((each) => each.toLowerCase() === 'authorization');
  return name === undefined ? undefined : connectionParams[name];
}
