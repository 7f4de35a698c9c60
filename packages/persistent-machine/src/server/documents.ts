/**
 * Which documents are accepted: one set of limits and rules, however a document travels. Does not know what
 * becomes of it.
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

/** The most tokens of a document; nested brackets would overflow the parser's stack long before a body's limit. */
const MAX_TOKENS = 1_000;

/** Machines, their histories, and the machines and histories of those: each further level multiplies the answer. */
const MAX_DEPTH = 12;

export const parseOptions: ParseOptions = { maxLexicalTokens: MAX_TOKENS };

/** The most fields of one selection: graphql-js compares each with each. */
const MAX_WIDTH = 100;

/** Enough for a page's worth of changes in one request. */
const MAX_ALIASES = 100;

const MAX_DIRECTIVES = 9;

/** The most characters of a name: an answer repeats an alias in each row, and an error the name that it is about. */
const MAX_NAME = 200;

/** graphql-armor throws, past the validation's own errors, unless it is told to report. */
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
 * A document that is over a limit is told so, once, and nothing else: to the other rules, which would have much to
 * say of it, it is gone.
 */
const keepToLimits: ValidationRule = (context) => ({
  Document: (document) => {
    const [excess] = validate(context.getSchema(), document, LIMITS, { maxErrors: 1 });
    if (excess === undefined) return undefined;
    context.reportError(excess);
    return null;
  },
});

/** Skipped, a subscription would be to nothing, which graphql-js takes for a bug. The specification forbids it, too. */
const unconditionalSubscriptions: ValidationRule = (context) => ({
  Directive: (directive) => {
    const root = context.getSchema().getSubscriptionType();
    if (!['skip', 'include'].includes(directive.name.value) || context.getParentType() !== root)
      return;
    context.reportError(
      new GraphQLError('What is subscribed to can be neither skipped nor included.', {
        nodes: directive,
      }),
    );
  },
});

/** The rules beside those of the specification. */
export const validationRules: readonly ValidationRule[] = [
  keepToLimits,
  unconditionalSubscriptions,
];

export const validationOptions = { maxErrors: MOST_ERRORS } as const;

/** Of what is wrong with variables. */
export const executionOptions = { maxCoercionErrors: MOST_ERRORS } as const;
