// Runs before the first paint: the remembered theme, so that nothing flashes.
try {
  const look = JSON.parse(localStorage.getItem('ken.look') || '{}');
  if (look.theme) document.documentElement.dataset.theme = look.theme;
  if (look.lang) document.documentElement.lang = look.lang;
} catch (e) {
  // Storage is off or holds something else: the system's theme it is.
}
