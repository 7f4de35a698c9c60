/** Counter-examples: the recipes with the default caches, which go on showing old versions of a life. */
import { InMemoryCache } from '@apollo/client';
import { cacheExchange } from '@urql/exchange-graphcache';
import { apolloLives } from './apollo';
import schema from './introspection.json';
import { type Lives, possibleTypes } from './lives';
import { documentCacheLives } from './urqlDocumentCache';
import { graphcacheLives } from './urqlGraphcache';

export function apolloByDefault(url: string): Lives {
  return apolloLives(url, new InMemoryCache({ possibleTypes }));
}

export function graphcacheByDefault(url: string): Lives {
  return graphcacheLives(url, cacheExchange({ schema }));
}

export function documentCacheByDefault(url: string): Lives {
  return documentCacheLives(url, []);
}
