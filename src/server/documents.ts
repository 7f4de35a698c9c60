/**
 * Which documents are accepted: one set of limits and rules, however a document travels. Does not know what
 * becomes of it.
 */
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { GraphQLError, type ParseOptions, type ValidationRule } from 'graphql';

/** The most tokens of a document; nested brackets would overflow the parser's stack long before a body's limit. */
const MAX_TOKENS = 1_000;

/** Lives, their histories, and the lives and histories of those: each further level multiplies the answer. */
const MAX_DEPTH = 12;

export const parseOptions: ParseOptions = { maxLexicalTokens: MAX_TOKENS };

/** The library throws, past the validation's own errors, unless it is told to report. */
const limitDepth = maxDepthRule({
  n: MAX_DEPTH,
  flattenFragments: true,
  propagateOnRejection: false,
  onReject: [
    (context) => {
      context?.reportError(new GraphQLError(`The document is more than ${MAX_DEPTH} levels deep.`));
    },
  ],
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
export const validationRules: readonly ValidationRule[] = [limitDepth, unconditionalSubscriptions];
