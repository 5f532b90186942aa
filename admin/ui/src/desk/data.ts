// What the desk shows at all times. Apps that ask for the same keys share it.
import { api, client, type Schemas } from '../api/client';
import { query, type Query } from '../api/query.svelte';

// health is the verdict with its facts and checks.
export function health(): Query<Schemas['Health']> {
  return query(() => 'health', (signal) => api(client.GET('/health', { signal })), {
    topics: ['health'],
    merge: (_, __, message) => message as Schemas['Health'],
  });
}

// tasks is what the cluster is doing.
export function tasks(): Query<Schemas['TaskList']> {
  return query(() => 'tasks', (signal) => api(client.GET('/tasks', { signal })), {
    topics: ['tasks'],
    merge: (_, __, message) => message as Schemas['TaskList'],
  });
}

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
