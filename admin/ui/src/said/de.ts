import { acts } from './de/acts';
import { checks } from './de/checks';
import { events } from './de/events';
import { judgement } from './de/judgement';
import { labels } from './de/labels';
import { problems } from './de/problems';
import { settings, warnings } from './de/settings';
import type { Dictionary } from './strings';

export const de: Dictionary = { phrases: { ...judgement, ...acts, ...events, ...problems, ...warnings }, checks, labels, settings };
