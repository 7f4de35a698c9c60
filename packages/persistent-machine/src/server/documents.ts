/**
 * Which documents are accepted: the same limits and rules for all transports. Does not know how documents are executed.
 */
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import {
  GraphQLError,
  type ParseOptions,
  type ValidationContext,
  type ValidationRule,
  validate,
} from 'graphql';
import { limitCost } from './cost';
import { MOST_ERRORS } from './errorSizes';

/** The most tokens of a document. Nested brackets overflow the parser's stack long before the limit of a body. */
const MAX_TOKENS = 1_000;

/**
 * Enough for machines, their histories, and the machines and histories of those. Each further level multiplies the
 * answer.
 */
const MAX_DEPTH = 12;

export const parseOptions: ParseOptions = { maxLexicalTokens: MAX_TOKENS };

/** The most fields of one selection: graphql-js compares every pair of them. */
const MAX_WIDTH = 100;

/** Enough for as many changes in one request as a page has items. */
const MAX_ALIASES = 100;

const MAX_DIRECTIVES = 9;

/** The most characters of a name: an answer repeats an alias in each row, and an error repeats the wrong name. */
const MAX_NAME = 200;

/** Options that make graphql-armor report an error with all others, instead of throwing it. */
function reporting(message: string): {
  readonly propagateOnRejection: false;
  readonly onReject: ((context: ValidationContext | null) => void)[];
} {
  return {
    propagateOnRejection: false,
    onReject: [
      (context) => {
        context?.reportError(new GraphQLError(message));
      },
    ],
  };
}

const limitDepth = maxDepthRule({
  n: MAX_DEPTH,
  flattenFragments: true,
  ...reporting(`The document is more than ${MAX_DEPTH} levels deep.`),
});

const limitAliases = maxAliasesRule({
  n: MAX_ALIASES,
  allowList: [],
  ...reporting(`The document has more than ${MAX_ALIASES} aliases.`),
});

const limitDirectives = maxDirectivesRule({
  n: MAX_DIRECTIVES,
  ...reporting(`The document has more than ${MAX_DIRECTIVES} directives.`),
});

const limitWidth: ValidationRule = (context) => ({
  SelectionSet: (selectionSet) => {
    if (selectionSet.selections.length <= MAX_WIDTH) return;
    const message = `A selection has more than ${MAX_WIDTH} fields.`;
    context.reportError(new GraphQLError(message, { nodes: selectionSet }));
  },
});

const limitNames: ValidationRule = (context) => ({
  Name: (name) => {
    if (name.value.length <= MAX_NAME) return;
    const message = `A name has more than ${MAX_NAME} characters.`;
    context.reportError(new GraphQLError(message, { nodes: name }));
  },
});

const LIMITS = [limitNames, limitWidth, limitDepth, limitAliases, limitDirectives, limitCost];

/**
 * Reports only the first exceeded limit. It hides the document from the other rules, which would be costly, and would
 * report many errors.
 */
const keepToLimits: ValidationRule = (context) => ({
  Document: (document) => {
    const [excess] = validate(context.getSchema(), document, LIMITS, { maxErrors: 1 });
    if (excess === undefined) return undefined;
    context.reportError(excess);
    return null;
  },
});

/** graphql-js fails on a subscription whose only field is skipped. The specification forbids such a document, too. */
const unconditionalSubscriptions: ValidationRule = (context) => ({
  Directive: (directive) => {
    const root = context.getSchema().getSubscriptionType();
    if (!['skip', 'include'].includes(directive.name.value) || context.getParentType() !== root)
      return;
    context.reportError(
      new GraphQLError('The field of a subscription cannot have @skip or @include.', {
        nodes: directive,
      }),
    );
  },
});

/** The rules beyond those of the specification. */
export const validationRules: readonly ValidationRule[] = [
  keepToLimits,
  unconditionalSubscriptions,
];

export const validationOptions = { maxErrors: MOST_ERRORS } as const;

/** Limits the errors about variables. */
export const executionOptions = { maxCoercionErrors: MOST_ERRORS } as const;
