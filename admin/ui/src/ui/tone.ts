// A state is told three times: by colour, by the shape of its icon, by a word.
export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'none';
