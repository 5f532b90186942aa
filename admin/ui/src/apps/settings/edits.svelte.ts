// What was changed and not applied yet.
import { field, read, type Fault, type Setting } from './values';

export class Edits {
  // texts are the fields as typed, by setting
  texts = $state.raw<Readonly<Record<string, string>>>({});

  text(s: Setting): string {
    return this.texts[s.name] ?? field(s, s.value);
  }

  set(s: Setting, text: string): void {
    const next = { ...this.texts };
    const r = read(s, text);
    if ('value' in r && r.value === s.value) delete next[s.name];
    else next[s.name] = text;
    this.texts = next;
  }

  // put takes values of the server: the default, or those of an earlier time.
  put(s: Setting, value: string): void {
    this.set(s, field(s, value));
  }

  fault(s: Setting): Fault | null {
    const text = this.texts[s.name];
    const r = text === undefined ? null : read(s, text);
    return r && 'fault' in r ? r.fault : null;
  }

  changed(s: Setting): boolean {
    return this.texts[s.name] !== undefined;
  }

  // changes are what can be sent; none while a field is at fault.
  changes(all: readonly Setting[]): { name: string; value: string }[] {
    const out: { name: string; value: string }[] = [];
    for (const s of all) {
      const text = this.texts[s.name];
      const r = text === undefined ? null : read(s, text);
      if (r && 'value' in r && r.value !== s.value) out.push({ name: s.name, value: r.value });
    }
    return out;
  }

  faults(all: readonly Setting[]): number {
    return all.filter((s) => this.fault(s) !== null).length;
  }

  clear(): void {
    this.texts = {};
  }
}
