/**
 * Follows a stream over whatever may cut it off. The loop is ours: a library's own retries subscribe again with
 * the variables of the beginning, and so repeat or miss things. Does not know what is followed.
 */
import { backoff, pause } from './backoff';
import { isPassing } from './failures';

/** How it stands with what is followed. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** Lost, and sought again; `since` as of Date.now(). */
  | { readonly state: 'reconnecting'; readonly since: number }
  /** Nothing will come any more. */
  | { readonly state: 'refused'; readonly error: unknown };

/** What is followed: from a place on, each event naming the place after it. */
export interface Stream<Place, Event> {
  /** Where to begin; asked for once, and again when `restartsAfter` says so. */
  readonly begin: (signal: AbortSignal) => Promise<Place>;
  /** Everything right after a place; says when nothing is in its way any more, whether or not something comes. */
  readonly after: (place: Place, whenLive: () => void) => AsyncIterable<Event>;
  /** Deals with an event, and says which place that was. */
  readonly deal: (event: Event) => Place;
  /** Whether an error means that the place is no place any more. */
  readonly restartsAfter?: (error: unknown) => boolean;
}

/**
 * @param tell how it stands, whenever that changes
 * @returns once the stream has ended or refuses us, or the signal came
 */
export async function follow<Place, Event>(
  { begin, after, deal, restartsAfter = () => false }: Stream<Place, Event>,
  tell: (connection: Connection) => void,
  signal: AbortSignal,
): Promise<void> {
  let place: { readonly is: Place } | undefined;
  let attempt = 0;
  let lostAt: number | undefined;
  // A function, since the compiler takes a signal that was looked at for one that never changes.
  const isOver = (): boolean => signal.aborted;
  const live = (): void => {
    if (isOver()) return;
    lostAt = undefined;
    tell({ state: 'live' });
  };
  tell({ state: 'connecting' });
  while (!isOver()) {
    try {
      place ??= { is: await begin(signal) };
      for await (const event of after(place.is, live)) {
        if (isOver()) return;
        attempt = 0;
        live();
        place = { is: deal(event) };
      }
      return;
    } catch (error) {
      if (isOver()) return;
      if (restartsAfter(error)) place = undefined;
      else if (!isPassing(error)) {
        tell({ state: 'refused', error });
        return;
      }
      lostAt ??= Date.now();
      tell({ state: 'reconnecting', since: lostAt });
      attempt += 1;
      await pause(backoff(attempt), signal);
    }
  }
}
