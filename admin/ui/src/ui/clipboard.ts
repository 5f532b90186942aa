// copyText puts text on the clipboard. Plain HTTP off loopback has no clipboard
// interface, so there a selected text field does it.
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'sr';
    const back = document.activeElement;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.focus({ preventScroll: true });
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (back instanceof HTMLElement) back.focus({ preventScroll: true });
    return done;
  }
}
