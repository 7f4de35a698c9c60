/** Goes to a life by its id. What is pasted may be an address of the dashboard, or have the id somewhere in it. */
import { type ReactNode, useId, useRef } from 'react';
import { useLocation } from 'wouter';
import { useAddresses } from './addresses';

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

export function FindForm(): ReactNode {
  const [, go] = useLocation();
  const addresses = useAddresses();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  return (
    <form
      role="search"
      className="find"
      onSubmit={(event) => {
        event.preventDefault();
        const entered = field.current?.value.trim() ?? '';
        // What has none is looked for as it is: the server says what is wrong with it.
        go(addresses.one(UUID.exec(entered)?.[0].toLowerCase() ?? entered));
      }}
    >
      <label htmlFor={id} className="unseen">
        Id
      </label>
      <input
        id={id}
        ref={field}
        type="search"
        placeholder="Whole id"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        required
      />
      <button>Find</button>
    </form>
  );
}
