import { checks } from './de/checks';
import { labels } from './de/labels';
import { phrases } from './de/phrases';
import type { Dictionary } from './strings';

export const de: Dictionary = { phrases, checks, labels };
