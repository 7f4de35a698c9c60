/**
 * The protocol `graphql-transport-ws`, as graphql-ws speaks it: which clients may connect, and which operations
 * begin. Does not know how messages come and go, nor what they subscribe to.
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
import { codeOfError, describeFailure } from './errors';
import type { RequestContext } from './graphql';
import { Observation } from './observation';
import type { Accepted, Results } from './sharedExecution';
import { refusal } from './subscriptionDocuments';
import type { Subscriptions } from './subscriptions';
import { close } from './webSocketServer';

/** The most subscriptions of one socket. */
const MOST_SUBSCRIPTIONS = 100;

/** The most characters of their documents and variables, which stay in memory while they run. */
const MOST_ASKED = 200_000;

/** The longest id of an operation. Each of its results repeats it. */
const LONGEST_ID = 255;

/** "Try again later", by RFC 6455's registry. */
const LATER = 1013;

/** The state of an open socket. */
export interface Connection extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket;
  /** Operations that have not ended, by their ids. */
  readonly running: Map<string, Running>;
  /** Observations by the id of their operation, which has not ended, or was just refused. */
  readonly observations: Map<string, Observation>;
  /** The length of the message that is being handed over. */
  length: number;
  /** Lifts the limits for unauthenticated clients. */
  acknowledge: () => void;
  /** Set once the client has sent a valid token. */
  caller?: Caller;
}

interface Running {
  /** The length of the message that asked for it. */
  readonly length: number;
  /** undefined until it has begun. */
  results?: Results;
}

export interface ProtocolSettings {
  readonly subscriptions: Subscriptions;
  readonly contextOf: (observation: Observation) => RequestContext;
  readonly newId: () => string;
  /** undefined if clients need no token. */
  readonly authentication: Authentication | undefined;
  /** Whether a further subscription must be refused now. */
  readonly isFull: () => boolean;
}

/** @returns graphql-ws's server, which serves every socket */
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
    // `given` is what `onSubscribe` returned.
    subscribe: async (given) => {
      const accepted = given as Accepted;
      const begun = await subscriptions.begin(accepted);
      if ('errors' in begun) {
        subscriptions.refused(accepted.contextValue.observation, codeOfError(begun.errors[0]));
      }
      return begun;
    },
    onOperation: ({ extra: { socket, running } }, id, _payload, _accepted, result) => {
      // `begin` returned an iterable of results.
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
      // The types are those of `begin` and `accept`.
      subscriptions.formatResult(result as ExecutionResult, contextValue as RequestContext),
    onError: ({ extra: { observations } }, id, _payload, errors) => {
      const { requestId } = observations.get(id) ?? { requestId: newId() };
      observations.delete(id);
      return subscriptions.formatErrors(errors, { requestId });
    },
  });
}

/** @returns whether the token in the client's first message is valid */
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
    // The client may have left while the token was checked.
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
    // graphql-ws closes the socket, too, which has no effect on a closed one.
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
    const { code, message } = describeFailure(new Overloaded());
    return [refusal(code, message)];
  }
  if (id.length > LONGEST_ID) {
    socket.close(CloseCode.BadRequest, `An id may have at most ${LONGEST_ID} characters`);
    return [refusal('BAD_REQUEST', 'The id is too long.')];
  }
  if (running.has(id)) {
    // The client has completed the operation, but it has not ended. graphql-ws would take that end for the new one's.
    close(socket, CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
    return [refusal('BAD_REQUEST', 'The id is in use.')];
  }
  if (running.size >= MOST_SUBSCRIPTIONS) {
    const message = `A socket may carry at most ${MOST_SUBSCRIPTIONS} subscriptions.`;
    return [refusal('BAD_REQUEST', message)];
  }
  const asked = [...running.values()].reduce((sum, each) => sum + each.length, length);
  if (asked > MOST_ASKED) {
    const message = `The subscriptions of a socket may have at most ${MOST_ASKED} characters in total.`;
    return [refusal('BAD_REQUEST', message)];
  }
  return subscriptions.accept(payload, contextOf(observation), caller?.scopes ?? null);
}

/** Finds the token in the payload of the first message, whose keys may be in any case, like HTTP headers. */
function authorizationIn(connectionParams: Readonly<Record<string, unknown>>): unknown {
  const names = Object.keys(connectionParams);
  const name = names.find((each) => each.toLowerCase() === 'authorization');
  return name === undefined ? undefined : connectionParams[name];
}
