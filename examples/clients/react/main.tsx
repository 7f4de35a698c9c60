/** Shows the page: one client for all of it, of the API that the page names. */
import { ApolloProvider } from '@apollo/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { connect } from '../apollo';
import { App } from './App';

const root = document.getElementById('root');
const api = root?.dataset['api'];
if (!root || api === undefined) throw new Error('The page names no API.');
const { client } = connect(api);

createRoot(root).render(
  <StrictMode>
    <ApolloProvider client={client}>
      <App />
    </ApolloProvider>
  </StrictMode>,
);
