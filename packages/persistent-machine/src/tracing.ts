/**
 * Traces, by OpenTelemetry: which requests are traced, and what is exported of them. Loaded only if traces are
 * configured, and before the application, because the instrumentations patch modules while those load. Does not know
 * the application.
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

/** The only traced route. */
const ROUTE = '/graphql';

/**
 * The attributes of a span that are exported. An allowlist, because instrumentations also record query strings,
 * documents and error messages, and their next version may record more.
 */
const ATTRIBUTES = [
  ...['http.request.method', 'http.route', 'http.response.status_code', 'url.scheme'],
  ...['network.protocol.version', 'graphql.operation.type', 'graphql.operation.name'],
  ...['db.system.name', 'db.namespace', 'db.query.text', 'request.id', 'group.size'],
];

/** The longest name of an operation that is exported. */
const LONGEST_NAME = 64;

/** How long an export may take, in milliseconds, even at shutdown. */
const EXPORT_TIMEOUT = 2_000;

export interface TracingSettings {
  /** The URL of a collector, to which `/v1/traces` is appended. */
  readonly endpoint: string;
  /** The share of requests without a trace of their own that are traced, from 0 to 1. */
  readonly ratio: number;
  /** Called for the first failure after a success. */
  readonly onFailure: (reason: string) => void;
}

export interface Tracing {
  /** The ids of the current trace, for a line of the log. */
  readonly idsOfLine: () => object;
  /** Adds a request's id to the current trace. */
  readonly nameRequest: (requestId: string) => void;
  readonly groups: GroupTracer;
  /** Exports the remaining spans, or gives up after the timeout. */
  stop(): Promise<void>;
}

/** Must be called before http, graphql or pg is loaded. */
export function startTracing({ endpoint, ratio, onFailure }: TracingSettings): Tracing {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT,
  });
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: 'persistent-state-machine' }))
      // Reads OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({
      root: requestsOnly(new TraceIdRatioBasedSampler(ratio)),
    }),
    // The queue is bounded: with a slow collector, spans are dropped.
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
          // A subscription has no end that its span could wait for.
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
        // `current` returned them.
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

/** Samples only requests. The server's own work, such as reading the feed, begins no trace. */
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

/** Exports only the allowed attributes, and reports each outage once. */
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
      // Passes on the message only, not the collector's answer.
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

/** Copies each property by name, so that nothing else is exported. */
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
