/**
 * Translates a regular expression of JavaScript into one of PostgreSQL that matches exactly the same texts. It refuses
 * what PostgreSQL cannot express, and knows no columns.
 */

/** `\d` and `\w` of JavaScript, which match ASCII only. Those of PostgreSQL match all alphabets. */
const CLASSES: Readonly<Record<string, string>> = { d: '0-9', w: 'A-Za-z0-9_' };

/** The highest number in braces that PostgreSQL allows. */
const MOST_REPETITIONS = 255;

const QUANTIFIER = /^(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??/;

/**
 * @returns the expression for the operator `~`; undefined if PostgreSQL cannot express it exactly: flags other than
 *   `u`, look-around, back references, `\b`, `\s`, Unicode properties, and, without the flag `u`, anything that could
 *   match half a surrogate pair
 */
export function patternInSql({ source, flags }: RegExp): string | undefined {
  if (flags !== '' && flags !== 'u') return undefined;
  const isUnicode = flags === 'u';
  let rest = source;
  let sql = '';
  while (rest !== '') {
    const piece = pieceOf(rest, isUnicode);
    if (piece === undefined) return undefined;
    sql += piece.sql;
    rest = rest.slice(piece.length);
  }
  return sql;
}

interface Piece {
  readonly sql: string;
  /** The length of the piece in the source. */
  readonly length: number;
}

/** @param rest the source that is left, which is not empty */
function pieceOf(rest: string, isUnicode: boolean): Piece | undefined {
  const quantifier = QUANTIFIER.exec(rest);
  if (quantifier !== null) return quantified(quantifier);
  const group = /^(?:\((?:\?:)?(?!\?)|[)|^$])/.exec(rest);
  if (group !== null) return { sql: group[0], length: group[0].length };
  if (rest.startsWith('[')) return bracketed(rest, isUnicode);
  if (rest.startsWith('.')) {
    // JavaScript's dot does not match line terminators; PostgreSQL's matches any character.
    return isUnicode ? { sql: String.raw`[^\n\r\u2028\u2029]`, length: 1 } : undefined;
  }
  const shorthand = /^\\([dwDW])/.exec(rest)?.[1];
  if (shorthand !== undefined) {
    const isNegated = shorthand !== shorthand.toLowerCase();
    if (isNegated && !isUnicode) return undefined;
    const members = CLASSES[shorthand.toLowerCase()] ?? '';
    return { sql: `[${isNegated ? '^' : ''}${members}]`, length: 2 };
  }
  return rest.startsWith('(') || rest.startsWith('{') ? undefined : characterOf(rest, isUnicode);
}

/** Drops laziness: it does not change whether a text matches, and PostgreSQL has other rules for mixing both kinds. */
function quantified([text, least = '0', most = '']: RegExpExecArray): Piece | undefined {
  if (Number(least) > MOST_REPETITIONS || Number(most) > MOST_REPETITIONS) return undefined;
  return { sql: text.replace(/(?<=.)\?$/, ''), length: text.length };
}

function bracketed(rest: string, isUnicode: boolean): Piece | undefined {
  let sql = '[';
  let at = 1;
  if (rest[at] === '^') {
    // Without the flag, a negated class of JavaScript matches half a surrogate pair.
    if (!isUnicode) return undefined;
    sql += '^';
    at += 1;
  }
  const begin = sql.length;
  while (rest[at] !== ']') {
    const shorthand = /^\\([dw])(?!-[^\]])/.exec(rest.slice(at))?.[1];
    const from = shorthand === undefined ? characterOf(rest.slice(at), isUnicode) : undefined;
    if (shorthand !== undefined) {
      sql += CLASSES[shorthand] ?? '';
      at += 2;
    } else if (from === undefined) {
      return undefined;
    } else {
      sql += from.sql;
      at += from.length;
      if (rest[at] === '-' && rest[at + 1] !== ']') {
        const to = characterOf(rest.slice(at + 1), isUnicode);
        if (to === undefined) return undefined;
        sql += `-${to.sql}`;
        at += 1 + to.length;
      }
    }
  }
  return sql.length === begin ? undefined : { sql: `${sql}]`, length: at + 1 };
}

/** One character that stands for itself. */
function characterOf(rest: string, isUnicode: boolean): Piece | undefined {
  const [, escape, plain] = /^(?:\\([nrtfv]|[!-/:-@[-`{-~])|([^\\]))/u.exec(rest) ?? [];
  if (escape !== undefined) {
    return escape === '_' ? undefined : { sql: `\\${escape}`, length: 2 };
  }
  if (plain === undefined || /\p{Surrogate}/u.test(plain)) return undefined;
  // Without the flag, JavaScript takes a character outside the basic plane for two.
  if (plain.length > 1 && !isUnicode) return undefined;
  return {
    sql: /[!-/:-@[-`{-~]/.test(plain) && plain !== '_' ? `\\${plain}` : plain,
    length: plain.length,
  };
}
