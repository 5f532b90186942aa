// What was cut or copied, shared by all windows of the page.

type Clip = { mode: 'copy' | 'cut'; paths: readonly string[] };

class Clipboard {
  current = $state.raw<Clip | null>(null);
  cut = $derived<ReadonlySet<string>>(new Set(this.current?.mode === 'cut' ? this.current.paths : []));
}

export const clip = new Clipboard();
