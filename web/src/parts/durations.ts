/** How a length of time is written for people. */

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/**
 * The two largest units that it has: a day has too many milliseconds to be read.
 *
 * @param duration in milliseconds
 */
export function written(duration: number): string {
  if (duration < 1_000) return `${duration} ms`;
  if (duration < 60_000) return `${duration / 1_000} s`;
  const parts: string[] = [];
  let rest = duration;
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 || parts.length > 0) parts.push(`${count} ${unit}`);
  }
  return [...parts, `${Math.floor(rest / 1_000)} s`].slice(0, 2).join(' ');
}
