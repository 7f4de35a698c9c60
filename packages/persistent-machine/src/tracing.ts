/**
 * Traces, by OpenTelemetry: which requests are followed, and what of that leaves us. Loaded only where traces are
 * wanted, and then before the application: the instrumentations patch modules as those are loaded. Does not
 * know the application.
 */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GraphQLInstrumentation } from '@opentelemetry/instrumentation-graphql';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import { ATTR_HTTP_ROUTE, ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { representationOf } from './server/representation';
import type { GroupTracer } from './store/LaneSettings';

/** The one route that is followed: nobody wants to know where a health check spends its time. */
const ROUTE = '/graphql';

/**
 * All that leaves us of a span, beside its name, times, kind and links. A list of what may, and not of what may
 * not: instrumentations also note query strings, documents with their comments and enum values, the messages of
 * errors with what was wrong in them, and whatever their next version thinks of.
 */
const ATTRIBUTES = [
  ...['http.request.method', 'http.route', 'http.response.status_code', 'url.scheme'],
  ...['network.protocol.version', 'graphql.operation.type', 'graphql.operation.name'],
  ...['db.system.name', 'db.namespace', 'db.query.text', 'request.id', 'group.size'],
];

/** The longest name of an operation that is told: a document may have one of any length. */
const LONGEST_NAME = 64;

/** How long the collector is waited for, in milliseconds; at shutdown, too. */
const EXPORT_TIMEOUT = 2_000;

export interface TracingSettings {
  /** Of a collector: where `/v1/traces` is below. */
  readonly endpoint: string;
  /** How many of the requests that no trace comes with are followed, from 0 to 1. */
  readonly ratio: number;
  /** Told of the first failure after each success, not of each. */
  readonly onFailure: (reason: string) => void;
}

export interface Tracing {
  /** What a line of the log says of the trace that it is part of. */
  readonly idsOfLine: () => object;
  /** Says which of our requests the present trace is of. */
  readonly nameRequest: (requestId: string) => void;
  readonly groups: GroupTracer;
  /** Sends what is still to be sent, or gives it up. */
  stop(): Promise<void>;
}

/** To be called before anything loads http, graphql or pg. */
export function startTracing({ endpoint, ratio, onFailure }: TracingSettings): Tracing {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT,
  });
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: 'persistent-state-machine' }))
      // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({
      root: requestsOnly(new TraceIdRatioBasedSampler(ratio)),
    }),
    // Its queue is bounded: what a slow collector does not take is dropped.
    spanProcessors: [
      new BatchSpanProcessor(new DiscreetExporter(exporter, onFailure), {
        exportTimeoutMillis: EXPORT_TIMEOUT,
      }),
    ],
  });
  provider.register();
  registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: (request) =>
          request.url?.split('?')[0] !== ROUTE ||
          // A subscription has no end to be waited for.
          ['text/event-stream', 'text/html'].includes(representationOf(request) ?? ''),
        requestHook: (span, { method }) => {
          span.updateName(`${method ?? ''} ${ROUTE}`).setAttribute(ATTR_HTTP_ROUTE, ROUTE);
        },
        disableOutgoingRequestInstrumentation: true,
      }),
      // A span for each field would cost more than the field.
      new GraphQLInstrumentation({ ignoreResolveSpans: true }),
      new PgInstrumentation({ requireParentSpan: true }),
    ],
  });
  const tracer = provider.getTracer('persistent-state-machine');

  return {
    idsOfLine: () => {
      const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {};
      return traceId === undefined ? {} : { traceId, spanId };
    },
    nameRequest: (requestId) => {
      trace.getActiveSpan()?.setAttribute('request.id', requestId);
    },
    groups: {
      current: () => context.active(),
      run: async (requests, statement) => {
        // From `current`.
        const contexts = requests as readonly Context[];
        const followed = contexts.filter(isFollowed);
        const parent = followed[0] ?? ROOT_CONTEXT;
        const attributes = { 'group.size': contexts.length };
        const span = tracer.startSpan('group', { attributes }, parent);
        for (const other of followed.slice(1)) {
          trace.getSpan(other)?.addLink({ context: span.spanContext() });
        }
        try {
          return await context.with(trace.setSpan(parent, span), statement);
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      },
    },
    stop: async () => provider.shutdown().catch(() => undefined),
  };
}

/** A trace begins with a request: what the server does of its own accord, as reading the feed, begins none. */
function requestsOnly(sampler: Sampler): Sampler {
  return {
    shouldSample: (...asked) =>
      asked[3] === SpanKind.SERVER
        ? sampler.shouldSample(...asked)
        : { decision: SamplingDecision.NOT_RECORD },
    toString: () => `RequestsOnly{${sampler.toString()}}`,
  };
}

function isFollowed(request: Context): boolean {
  const { traceFlags = TraceFlags.NONE } = trace.getSpanContext(request) ?? {};
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** Lets out what is allowed out, and tells of failures once. */
class DiscreetExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #onFailure: (reason: string) => void;
  #failing = false;

  constructor(exporter: SpanExporter, onFailure: (reason: string) => void) {
    this.#exporter = exporter;
    this.#onFailure = onFailure;
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.#exporter.export(spans.map(withoutContent), (result) => {
      // Not what the collector answered: only that it failed, and how.
      const { error } = result;
      if (error && !this.#failing) this.#onFailure(error.message);
      this.#failing = error !== undefined;
      done(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.#exporter.shutdown();
  }
}

/** Named one by one, so that nothing comes along. */
function withoutContent(span: ReadableSpan): ReadableSpan {
  const attributes: Attributes = {};
  for (const name of ATTRIBUTES) {
    if (span.attributes[name] !== undefined) attributes[name] = span.attributes[name];
  }
  const operation = attributes['graphql.operation.type'];
  const operationName = String(attributes['graphql.operation.name'] ?? '');
  const isNamed = operationName.length <= LONGEST_NAME && operation !== undefined;
  if (!isNamed) delete attributes['graphql.operation.name'];
  const named = isNamed ? `${String(operation)} ${operationName}`.trim() : String(operation);
  return {
    name: operation === undefined ? span.name : named,
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext ? { parentSpanContext: span.parentSpanContext } : {}),
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended,
    status: { code: span.status.code },
    attributes,
    links: span.links.map((link) => ({ context: link.context })),
    events: [],
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}
