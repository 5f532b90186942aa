// What only the desk itself shows; the rest is in model/queries.
import { api, client, type Schemas } from '../api/client';
import { query, type Query } from '../api/query.svelte';

const most = 50;

// recent is the newest events, newest first.
export function recent(): Query<Schemas['EventList']> {
  return query(() => 'events.recent', (signal) => api(client.GET('/events', { signal, params: { query: { limit: most } } })), {
    topics: ['event'],
    merge: (old, _, message) => {
      const event = message as Schemas['Event'];
      return { ...old, items: [event, ...old.items.filter((e) => e.id !== event.id)].slice(0, most) };
    },
  });
}
