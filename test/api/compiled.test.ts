/** Which documents may be compiled: each rule by a document that breaks no other. */
import { parse } from 'graphql';
import { mayBeCompiled } from '../../src/server/executable';

const PLAIN = 'subscription ($after: String) { transitions(after: $after) { life { id } } }';

test.each([
  ['a plain one may', PLAIN, true],
  [
    'one as deep as may be',
    'subscription { transitions { life { history { totalCount } } } }',
    true,
  ],
  ['not one that is deeper', '{ a { b { c { d { e } } } } }', false],
  ['not one with a text', '{ life(id: "1") { id } }', false],
  ['not one with a text of more lines', '{ life(id: """1""") { id } }', false],
  ['not one with a directive', 'query ($is: Boolean!) { a @skip(if: $is) }', false],
  ['not one with a fragment that has a name', '{ ...A } fragment A on Query { a }', false],
  ['not one with a variable that has a default', 'query ($a: Int = 1) { b(a: $a) }', false],
  ['not one with a name that means something to JavaScript', '{ __proto__: a }', false],
])('%s', (_title, document, may) => {
  expect(mayBeCompiled(parse(document))).toBe(may);
});
